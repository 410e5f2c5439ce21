/** A text of the grammar, quoted. */
export function literal(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** One of several expressions; undefined when there is none. */
export function oneOf(expressions: readonly (string | undefined)[]): string | undefined {
  const all = [...new Set(expressions.filter((expression) => expression !== undefined))];
  if (all.length === 0) return undefined;
  return all.length === 1 ? all[0] : `(${all.map((one) => one || '""').join(" | ")})`;
}

/** An expression between `least` and `most` times. */
export function repeated(expression: string, least: number, most: number | undefined): string {
  if (most === 0) return '""';
  if (least === 0 && most === undefined) return `(${expression})*`;
  return least === 1 && most === 1 ? expression : `(${expression}){${least},${most ?? ""}}`;
}

export function optional(expression: string): string {
  return `(${expression} | "")`;
}

/** Code points from one to another, both included. */
export type CodeRange = readonly [from: number, to: number];

/** A character class of the grammar. */
export function characterClass(ranges: readonly CodeRange[]): string {
  const parts = ranges.map(([from, to]) => (from === to ? escaped(from) : `${escaped(from)}-${escaped(to)}`));
  return `[${parts.join("")}]`;
}

function escaped(code: number): string {
  const character = String.fromCodePoint(code);
  if (/^[0-9A-Za-z]$/.test(character)) return character;
  const hex = code.toString(16);
  return code > 0xffff ? `\\U${hex.padStart(8, "0")}` : `\\u${hex.padStart(4, "0")}`;
}
