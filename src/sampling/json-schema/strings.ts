import { type CodeRange, characterClass, literal, oneOf, repeated } from "./ebnf.js";

/** Characters that stand in a JSON string as they are. */
const PLAIN: readonly CodeRange[] = [
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0xd7ff],
  [0xe000, 0x10ffff],
];
/** One of them. */
export const PLAIN_CHARACTER = '[^"\\\\\\u0000-\\u001f]';
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

/** One character of a set, as it stands inside a JSON string; undefined when none can. */
export function characterOf(ranges: readonly CodeRange[], escapes: boolean): string | undefined {
  const plain: CodeRange[] = [];
  for (const [from, to] of ranges) {
    for (const [low, high] of PLAIN) {
      if (Math.max(from, low) <= Math.min(to, high)) plain.push([Math.max(from, low), Math.min(to, high)]);
    }
  }
  const special = ESCAPED.filter((character) => {
    const code = character.charCodeAt(0);
    return escapes && ranges.some(([from, to]) => from <= code && code <= to);
  });
  const wide = plain.length === PLAIN.length && plain.every((range, i) => range.join() === PLAIN[i].join());
  const one = plain.length === 0 ? undefined : wide ? PLAIN_CHARACTER : characterClass(plain);
  return oneOf([one, ...special.map((character) => literal(insideString(character)))]);
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
  const other = characterOf(complement(codes.map((code) => [code, code])), false);
  return oneOf([
    texts.includes("") ? undefined : '""',
    other && `${other} ${PLAIN_CHARACTER}*`,
    ...[...byFirst]
      .filter(([first]) => insideString(first) === first)
      .map(([first, rests]) => `${literal(first)} ${restOtherThan(rests)}`),
  ])!;
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
