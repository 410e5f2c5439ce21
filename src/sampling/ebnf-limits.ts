import { UsageError } from "../types/errors.js";

/** Characters of a grammar. */
const LONGEST = 1 << 19;
/** Nested groups: each is a recursion of the compiler. */
const DEEPEST = 256;
/** Elements once repetitions are written out: the compiler makes a state of each. */
const MOST_ELEMENTS = 200_000;
/** The compiler writes that many copies of a repetition; more are counted. */
const WRITTEN_OUT = 128;
const LARGEST_COUNT = 1_000_000;
/**
 * A state that allows any character is compared with every token of the vocabulary, 0.4 microseconds each:
 * 5 seconds in all.
 */
const MOST_COMPARISONS = 12_500_000;

/** What a part of a grammar costs to compile. */
interface Cost {
  elements: number;
  /** Character classes, each counted by the part of printable characters that it allows. */
  wide: number;
}

/** Strings, classes, comments, repetition counts, brackets, names: all that the costs depend on. */
const PIECE =
  /"[^"\\\n]*(?:\\.[^"\\\n]*)*"|\[[^\]\\]*(?:\\.[^\]\\]*)*\]|#[^\n]*|\{\s*(\d+)\s*(?:,\s*(\d*)\s*)?\}|[()]|[\w-]+/gs;

/**
 * Refuses grammars that would take too much time, memory or depth, before anything is compiled.
 * Syntax is left to the compiler.
 * @throws UsageError
 */
export function checkEbnf(text: string, vocabSize: number): void {
  if (text.length > LONGEST) refuse(`has ${text.length} characters, and may have ${LONGEST}`);
  const open: Cost[] = [{ elements: 0, wide: 0 }];
  let last: Cost = { elements: 0, wide: 0 };
  for (const piece of text.matchAll(PIECE)) {
    const [word] = piece;
    const group = open[open.length - 1];
    if (word === "(") {
      open.push({ elements: 0, wide: 0 });
      if (open.length > DEEPEST) refuse(`has brackets more than ${DEEPEST} deep`);
    } else if (word === ")" && open.length > 1) {
      last = open.pop()!;
      add(open[open.length - 1], last, 1);
    } else if (word[0] === "{") {
      const counts = [piece[1], piece[2] || "0"].map(Number);
      const most = Math.max(...counts);
      if (most > LARGEST_COUNT) refuse(`repeats ${most} times, and may ${LARGEST_COUNT} times`);
      add(group, last, Math.min(most, WRITTEN_OUT) - 1);
      last = scaled(last, Math.min(most, WRITTEN_OUT));
    } else if (word[0] !== "#" && word[0] !== ")") {
      if (word[0] === "[") checkClass(word);
      last = { elements: word[0] === '"' ? word.length - 2 : 1, wide: word[0] === "[" ? width(word) : 0 };
      add(group, last, 1);
    }
  }
  const { elements, wide } = open[0];
  if (elements > MOST_ELEMENTS)
    refuse(`has ${round(elements)} elements, repetitions included, and may have ${MOST_ELEMENTS}`);
  if (wide * vocabSize > MOST_COMPARISONS) {
    const most = Math.floor(MOST_COMPARISONS / vocabSize);
    refuse(`has ${round(wide)} places where any character may stand, and may have ${most} with this vocabulary`);
  }
}

function refuse(what: string): never {
  throw new UsageError(
    `the grammar cannot be used: it ${what}: use less nesting, fewer alternatives and lower counts ({n,m}, maxLength, maxItems)`,
  );
}

function round(count: number): string {
  return count > 1e9 ? "more than 1000000000" : String(Math.ceil(count));
}

function add(to: Cost, cost: Cost, times: number): void {
  to.elements += cost.elements * times;
  to.wide += cost.wide * times;
}

function scaled({ elements, wide }: Cost, times: number): Cost {
  return { elements: elements * times, wide: wide * times };
}

/** XGrammar 0.1.27 reads classes of characters beyond ASCII wrongly, without a word. */
function checkClass(text: string): void {
  for (const [character] of text.matchAll(/\\[xuU][0-9a-fA-F]+|\\.|./gsu)) {
    if (code(character) < 0x80) continue;
    throw new UsageError(
      `the grammar cannot be used: ${JSON.stringify(character)} is beyond ASCII, which character classes cannot hold: write such characters as quoted alternatives, or use [^...]`,
    );
  }
}

/** The part of the 95 printable ASCII characters that a class allows, roughly: escapes count as one character each. */
function width(text: string): number {
  const negated = text[1] === "^";
  const body = text.slice(negated ? 2 : 1, -1);
  let covered = 0;
  for (const [, from, to] of body.matchAll(/(\\[xuU][0-9a-fA-F]+|\\.|.)(?:-(\\[xuU][0-9a-fA-F]+|\\.|.))?/gsu)) {
    covered += to === undefined ? 1 : Math.max(0, Math.min(126, code(to)) - Math.max(32, code(from)) + 1);
  }
  const part = Math.min(1, covered / 95);
  return negated ? 1 - part : part;
}

function code(character: string): number {
  const hex = /^\\[xuU]([0-9a-fA-F]+)$/.exec(character)?.[1];
  return hex ? Number.parseInt(hex, 16) : character.codePointAt(character.length > 1 && character[0] === "\\" ? 1 : 0)!;
}
