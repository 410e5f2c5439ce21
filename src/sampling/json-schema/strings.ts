import { type CodeRange, characterClass, literal, oneOf, repeated } from "./ebnf.js";

/** Control characters, quotation mark and backslash: what a JSON string holds escaped only. */
const ESCAPED_RANGES: readonly CodeRange[] = [
  [0x00, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
];
/** One character that stands in a JSON string as it is. */
export const PLAIN_CHARACTER = '[^"\\\\\\u0000-\\u001f]';
/** Characters beyond ASCII are written out one by one: XGrammar 0.1.27 reads no classes of them. */
const MOST_WRITTEN_OUT = 25_000;
/** Those that need an escape, where a pattern names them. */
const ESCAPED = ['"', "\\", "\n", "\r", "\t"];

/** Any JSON string. */
export const ANY_STRING = `"\\"" (${PLAIN_CHARACTER} | "\\\\" (["\\\\/bfnrt] | "u" [0-9a-fA-F]{4}))* "\\""`;

/** A string of so many characters, written without escapes. */
export function sizedString(least: number, most: number | undefined): string {
  return `"\\"" ${repeated(PLAIN_CHARACTER, least, most)} "\\""`;
}

/** A text as it stands inside a JSON string. */
export function insideString(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/**
 * One character of a set, as it stands inside a JSON string; undefined when none can.
 * @param open the set is a complement: its escaped characters, and those beyond ASCII unless it has all, are left out
 */
export function characterOf(ranges: readonly CodeRange[], open: boolean): string | undefined {
  const outside = complement(ranges);
  const ascii = outside.filter(([from]) => from < 0x80).map(([from, to]) => [from, Math.min(to, 0x7f)] as const);
  const excluded = joined([...ascii, ...ESCAPED_RANGES]);
  if (outside.every(([, to]) => to < 0x80)) return characterClass(excluded, true);
  const plain = complement([...excluded, [0x80, 0x10ffff]]);
  const special = open ? [] : ESCAPED.filter((character) => contains(ranges, character.charCodeAt(0)));
  const beyond = open ? [] : writtenOut(ranges);
  const others = [...special, ...beyond].map((character) => literal(insideString(character)));
  return oneOf([plain.length > 0 ? characterClass(plain) : undefined, ...others]);
}

function contains(ranges: readonly CodeRange[], code: number): boolean {
  return ranges.some(([from, to]) => from <= code && code <= to);
}

/** The characters beyond ASCII. @throws RangeError for too many */
function writtenOut(ranges: readonly CodeRange[]): string[] {
  const characters: string[] = [];
  for (const [from, to] of joined(ranges)) {
    const first = Math.max(from, 0x80);
    if (to - first > MOST_WRITTEN_OUT - characters.length) {
      throw new RangeError(`it has more than ${MOST_WRITTEN_OUT} characters beyond ASCII in a class`);
    }
    for (let code = first; code <= to; code++) {
      // Halves of pairs are no characters.
      if (code < 0xd800 || code > 0xdfff) characters.push(String.fromCodePoint(code));
    }
  }
  return characters;
}

/** Any string but some, without escapes. */
export function stringOtherThan(texts: readonly string[]): string {
  return `"\\"" ${restOtherThan(texts)} "\\""`;
}

/** What may follow where some texts, "" for a complete one, must not. */
function restOtherThan(texts: readonly string[]): string {
  const byFirst = new Map<string, string[]>();
  for (const text of texts) {
    const [first] = text;
    if (first !== undefined) byFirst.set(first, [...(byFirst.get(first) ?? []), text.slice(first.length)]);
  }
  const codes = [...byFirst.keys()].map((first) => first.codePointAt(0)!);
  const other = characterOf(complement(codes.map((code) => [code, code])), true);
  return oneOf([
    texts.includes("") ? undefined : '""',
    other && `${other} ${PLAIN_CHARACTER}*`,
    ...[...byFirst]
      .filter(([first]) => insideString(first) === first)
      .map(([first, rests]) => `${literal(first)} ${restOtherThan(rests)}`),
  ])!;
}

/** The same code points in order, each once. */
function joined(ranges: readonly CodeRange[]): CodeRange[] {
  return complement(complement(ranges));
}

/** All code points outside some ranges. */
export function complement(ranges: readonly CodeRange[]): CodeRange[] {
  const result: CodeRange[] = [];
  let next = 0;
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (from > next) result.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= 0x10ffff) result.push([next, 0x10ffff]);
  return result;
}
