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

/** A character class of the grammar: of ASCII characters, or of all but some of them. */
export function characterClass(ranges: readonly CodeRange[], negated = false): string {
  const parts = ranges.map(([from, to]) => (from === to ? escaped(from) : `${escaped(from)}-${escaped(to)}`));
  return `[${negated ? "^" : ""}${parts.join("")}]`;
}

function escaped(code: number): string {
  const character = String.fromCodePoint(code);
  return /^[0-9A-Za-z]$/.test(character) ? character : `\\u${code.toString(16).padStart(4, "0")}`;
}
