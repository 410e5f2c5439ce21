import { shown } from "../../types/shown.js";
import { type CodeRange, literal, oneOf, repeated } from "./ebnf.js";
import { refuse } from "./schema.js";
import { characterOf, complement, insideString, PLAIN_CHARACTER } from "./strings.js";

const DIGIT: CodeRange[] = [[0x30, 0x39]];
const WORD: CodeRange[] = [...DIGIT, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
// Of white space and line ends beyond ASCII nothing is said: complements have every character beyond ASCII, or none.
const SPACE: CodeRange[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
];
const LINE_ENDS: CodeRange[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
];
const CLASSES: Record<string, CodeRange[]> = { d: DIGIT, w: WORD, s: SPACE };
const CONTROLS: Record<string, string> = { n: "\n", r: "\r", t: "\t", f: "\f", v: "\v", 0: "\0" };

/** A set of characters; `open` ones are complements, of which escaped characters are left out. */
interface CharacterSet {
  ranges: CodeRange[];
  open: boolean;
}

/** A part of a regular expression that cannot be kept, in words. */
class PatternError extends Error {}

/**
 * JSON strings that match a regular expression of JSON Schema (ECMA 262): anywhere in the string, unless it is anchored.
 * What surrounds an unanchored match has no escapes. `.`, `\\S`, `\\W` and `[^...]` allow every character beyond ASCII, `\\s` none.
 * @throws PatternError for what no grammar can say (look-around, back-references), or is not supported
 */
export function patternString(pattern: string): string {
  return `"\\"" ${new PatternReader([...pattern]).whole()} "\\""`;
}

/** The pattern of a schema. @throws UsageError */
export function writtenPattern(pattern: unknown, place: string): string {
  if (typeof pattern !== "string") refuse(place, `a pattern is ${shown(pattern)}, expected a string`);
  try {
    return patternString(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return refuse(place, `the pattern ${shown(pattern)} cannot be used: ${error.message}`);
  }
}

class PatternReader {
  private at = 0;

  constructor(private readonly text: readonly string[]) {}

  /** Alternatives with anchors of their own. */
  whole(): string {
    const branches: string[] = [];
    do {
      const start = this.take("^") ? "" : `${PLAIN_CHARACTER}* `;
      const branch = this.sequence();
      branches.push(`${start}${branch}${this.take("$") ? "" : ` ${PLAIN_CHARACTER}*`}`);
    } while (this.take("|"));
    if (this.at < this.text.length) this.fail(`"${this.text[this.at]}" stands where it cannot`);
    return oneOf(branches)!;
  }

  private alternatives(): string {
    const branches: string[] = [];
    do branches.push(this.sequence());
    while (this.take("|"));
    return oneOf(branches)!;
  }

  private sequence(): string {
    const parts: string[] = [];
    while (this.at < this.text.length && !"|)$".includes(this.text[this.at])) parts.push(this.quantified());
    return parts.join(" ") || '""';
  }

  private quantified(): string {
    const atom = this.atom();
    const [least, most] = this.quantifier();
    if (least === 1 && most === 1) return atom;
    // A lazy quantifier allows the same strings.
    this.take("?");
    if (most !== undefined && most < least) this.fail("a count is out of order");
    return repeated(atom, least, most);
  }

  private quantifier(): [least: number, most: number | undefined] {
    if (this.take("*")) return [0, undefined];
    if (this.take("+")) return [1, undefined];
    if (this.take("?")) return [0, 1];
    const counts = /^\{(\d+)(,?)(\d*)\}/.exec(this.text.slice(this.at, this.at + 32).join(""));
    if (!counts) return [1, 1];
    this.at += counts[0].length;
    const least = Number(counts[1]);
    return [least, counts[3] ? Number(counts[3]) : counts[2] ? undefined : least];
  }

  private atom(): string {
    const character = this.text[this.at++];
    if (character === "(") return this.group();
    if (character === "[") return this.written(this.characterClass());
    if (character === ".") return this.written({ ranges: complement(LINE_ENDS), open: true });
    if ("*+?".includes(character)) this.fail(`nothing stands before "${character}"`);
    if (character === "^") this.fail('"^" stands where it cannot');
    if (character !== "\\") return literal(insideString(character));
    const next = this.text[this.at];
    if (/[1-9k]/.test(next ?? "")) this.fail("back-references are not supported");
    if (/[bB]/.test(next ?? "")) this.fail("word boundaries are not supported");
    return this.written(this.escape());
  }

  private group(): string {
    if (this.take("?")) {
      const kind = this.text.slice(this.at, this.at + 2).join("");
      if (kind[0] === ":") this.at++;
      else if (kind[0] === "<" && !/[=!]/.test(kind[1] ?? "")) {
        this.at = this.text.indexOf(">", this.at) + 1;
        if (this.at === 0) this.fail("a group's name does not end");
      } else this.fail("look-around and flags are not supported");
    }
    if (this.text[this.at] === "^") this.fail('"^" and "$" may stand outside groups only');
    const inner = this.alternatives();
    if (this.text[this.at] === "$") this.fail('"^" and "$" may stand outside groups only');
    if (!this.take(")")) this.fail("a group does not end");
    return `(${inner})`;
  }

  private written({ ranges, open }: CharacterSet): string {
    try {
      return characterOf(ranges, open) ?? this.fail("it allows only characters that no JSON string holds as they are");
    } catch (error) {
      if (error instanceof RangeError) this.fail(error.message);
      throw error;
    }
  }

  private characterClass(): CharacterSet {
    const negated = this.take("^");
    const ranges: CodeRange[] = [];
    let open = negated;
    while (!this.take("]")) {
      if (this.at >= this.text.length) this.fail("a class does not end");
      const from = this.member();
      open ||= from.open;
      const single = from.ranges.length === 1 && from.ranges[0][0] === from.ranges[0][1];
      if (!single || this.text[this.at] !== "-" || this.text[this.at + 1] === "]") {
        ranges.push(...from.ranges);
        continue;
      }
      this.at++;
      const to = this.member();
      if (to.ranges.length !== 1 || to.ranges[0][0] < from.ranges[0][0]) this.fail("a range is out of order");
      ranges.push([from.ranges[0][0], to.ranges[0][0]]);
    }
    return { ranges: negated ? complement(ranges) : ranges, open };
  }

  private member(): CharacterSet {
    const character = this.text[this.at++] ?? this.fail("a class does not end");
    if (character !== "\\") return single(character.codePointAt(0)!);
    if (this.take("b")) return single(8);
    return this.escape();
  }

  /** What follows a backslash. */
  private escape(): CharacterSet {
    const character = this.text[this.at++] ?? this.fail("it ends with a backslash");
    const known = CLASSES[character.toLowerCase()];
    if (known) return character in CLASSES ? { ranges: known, open: false } : { ranges: complement(known), open: true };
    if (Object.hasOwn(CONTROLS, character)) return single(CONTROLS[character].charCodeAt(0));
    if (character === "x" || character === "u") return single(this.hex(character === "x" ? 2 : 4));
    if (/[A-Za-z0-9]/.test(character)) this.fail(`\\${character} is not supported`);
    return single(character.codePointAt(0)!);
  }

  private hex(digits: number): number {
    const braced = this.take("{");
    const text = this.text.slice(this.at, this.at + (braced ? 8 : digits)).join("");
    const found = (braced ? /^([0-9a-fA-F]{1,6})\}/ : /^([0-9a-fA-F]+)$/).exec(text);
    const code = found ? Number.parseInt(found[1], 16) : -1;
    if (!found || code > 0x10ffff || (!braced && found[1].length !== digits)) this.fail("an escape is not complete");
    this.at += found![0].length;
    return code;
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private fail(what: string): never {
    throw new PatternError(`${what}, near character ${this.at}`);
  }
}

function single(code: number): CharacterSet {
  return { ranges: [[code, code]], open: false };
}
