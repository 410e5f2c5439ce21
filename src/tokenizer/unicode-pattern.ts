import { foldGroups } from "./fold-groups.js";
import { library } from "./library.js";

/**
 * Code points that Unicode 17 added. Oniguruma, which reads the patterns of the tokenizers library (0.23), knows Unicode
 * 16 and takes them for unassigned; V8's tables may know them.
 */
const NEWER_THAN_16 = new RegExp(
  `[${[
    "\\u{88f}\\u{c5c}\\u{cdc}\\u{1acf}-\\u{1add}\\u{1ae0}-\\u{1aeb}\\u{20c1}\\u{2b96}\\u{a7ce}\\u{a7cf}\\u{a7d2}\\u{a7d4}",
    "\\u{a7f1}\\u{fbc3}-\\u{fbd2}\\u{fd90}\\u{fd91}\\u{fdc8}-\\u{fdce}\\u{10940}-\\u{10959}\\u{10ec5}-\\u{10ec7}",
    "\\u{10ed0}-\\u{10ed8}\\u{10efa}\\u{10efb}\\u{11b60}-\\u{11b67}\\u{11db0}-\\u{11ddb}\\u{11de0}-\\u{11de9}",
    "\\u{16ea0}-\\u{16eb8}\\u{16ebb}-\\u{16ed3}\\u{16ff2}-\\u{16ff6}\\u{187f8}-\\u{187ff}\\u{18d09}-\\u{18d1e}",
    "\\u{18d80}-\\u{18df2}\\u{1ccfa}-\\u{1ccfc}\\u{1ceba}-\\u{1ced0}\\u{1cee0}-\\u{1cef0}\\u{1e6c0}-\\u{1e6de}",
    "\\u{1e6e0}-\\u{1e6f5}\\u{1e6fe}\\u{1e6ff}\\u{1f6d8}\\u{1f777}-\\u{1f77a}\\u{1f8d0}-\\u{1f8d8}\\u{1fa54}-\\u{1fa57}",
    "\\u{1fa8a}\\u{1fa8e}\\u{1fac8}\\u{1facd}\\u{1faea}\\u{1faef}\\u{1fbfa}\\u{2b73a}-\\u{2b73f}\\u{2cea2}-\\u{2cead}",
    "\\u{323b0}-\\u{33479}\\u{295}",
  ].join("")}]`,
  "gu",
);
/** Stand-ins as long as what they stand for: no Unicode version assigns these two. U+0295 became another kind of letter. */
const standIn = (c: string) => (c === "\u0295" ? "\u0280" : c.length === 2 ? "\u{40000}" : "\u0378");

/** How pieces come out of a text: what matches stands alone, is left out, or joins a neighbour. */
export type SplitBehavior = "Isolated" | "Removed" | "Contiguous" | "MergedWithPrevious" | "MergedWithNext";

interface Part {
  start: number;
  end: number;
  matches: boolean;
}

/** A pattern of tokenizer.json that finds what the Rust library's regex engine finds. */
export class UnicodePattern {
  /** The library asks before it replaces. */
  readonly flags = "gu";

  private constructor(
    private readonly regex: RegExp,
    /** The engine's Unicode version is V8's own. */
    private readonly current: boolean,
  ) {}

  /** @param source in Oniguruma's syntax. @throws SyntaxError for one that cannot be translated */
  static of(source: string, { current = false } = {}): UnicodePattern {
    return new UnicodePattern(translate(foldGroups(source, translate)), current);
  }

  static literal(text: string): UnicodePattern {
    return new UnicodePattern(new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "gu"), true);
  }

  /** The pieces of a text, as tokenizers' NormalizedString.split makes them; none is empty. */
  split(text: string, behavior: SplitBehavior, invert = false): string[] {
    const parts: Part[] = [];
    for (const part of this.parts(text)) {
      const matches = part.matches !== invert;
      const last = parts.at(-1);
      const joins =
        last !== undefined &&
        ((behavior === "Contiguous" && matches === last.matches) ||
          (behavior === "MergedWithPrevious" && matches && !last.matches) ||
          (behavior === "MergedWithNext" && !matches && last.matches));
      if (joins) {
        last.end = part.end;
        last.matches = matches;
      } else parts.push({ ...part, matches });
    }
    const kept = behavior === "Removed" ? parts.filter(({ matches }) => !matches) : parts;
    return kept.map(({ start, end }) => text.slice(start, end));
  }

  [Symbol.match](text: string): string[] {
    return this.split(text, "Removed", true);
  }

  /** `content` stands for itself: "$1" means nothing to the Rust library. */
  [Symbol.replace](text: string, content: string): string {
    let [out, end] = ["", 0];
    for (const { index, 0: match } of this.masked(text).matchAll(this.regex)) {
      out += text.slice(end, index) + content;
      end = index + match.length;
    }
    return out + text.slice(end);
  }

  private *parts(text: string): Generator<Part> {
    let end = 0;
    for (const { index, 0: match } of this.masked(text).matchAll(this.regex)) {
      if (end < index) yield { start: end, end: index, matches: false };
      end = index + match.length;
      if (match !== "") yield { start: index, end, matches: true };
    }
    if (end < text.length) yield { start: end, end: text.length, matches: false };
  }

  private masked(text: string): string {
    return this.current ? text : text.replace(NEWER_THAN_16, standIn);
  }
}

/** Oniguruma's syntax in JavaScript's: the library's translation. */
function translate(source: string): RegExp {
  const json = { type: "Split", pattern: { Regex: source }, behavior: "Isolated", invert: false };
  const { pattern } = new library.SplitPreTokenizer(json);
  if (!pattern) throw new SyntaxError("no pattern");
  return pattern;
}
