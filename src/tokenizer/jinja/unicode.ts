import type { Budget } from "./budget.js";

/** Python counts and cuts text by code points, and has white space of its own. */

const SURROGATE = /[\ud800-\udfff]/;
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

/** Where str.splitlines cuts. */
const LINE_END = "\\r\\n|[\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029]";

const LINE_ENDS = new RegExp(LINE_END);
const LINES_WITH_ENDS = new RegExp(`(?<=${LINE_END})(?<!\\r(?=\\n))`);
const SPACE_RUNS = new RegExp(`[${SPACE}]+`);
const ONE_SPACE = new RegExp(`^[${SPACE}]$`);

export function isSpace(character: string | undefined): boolean {
  if (character === undefined) return false;
  const code = character.charCodeAt(0);
  return code < 0x80
    ? code === 32 || (code >= 9 && code <= 13) || (code >= 28 && code < 32)
    : ONE_SPACE.test(character);
}

/** Whether a text has characters that are two of JavaScript's. */
export function hasSurrogates(text: string, budget: Budget): boolean {
  budget.read(text.length);
  return SURROGATE.test(text);
}

/** The code points of a text. */
export function characters(text: string): string[] {
  return SURROGATE.test(text) ? [...text] : text.split("");
}

/** How many code points a text has. */
export function characterCount(text: string): number {
  if (!SURROGATE.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** str.strip and its kin: without the characters of `set` (default: white space) at the chosen ends. */
export function strip(text: string, ends: "both" | "left" | "right", set?: string): string {
  const members = set === undefined ? undefined : new Set(characters(set));
  const drop = (character: string) => members?.has(character) ?? isSpace(character);
  const units = members && SURROGATE.test(text) ? characters(text) : undefined;
  const at = (i: number) => (units ? units[i] : text[i]);
  let [start, end] = [0, units?.length ?? text.length];
  if (ends !== "right") while (start < end && drop(at(start))) start++;
  if (ends !== "left") while (end > start && drop(at(end - 1))) end--;
  return units ? units.slice(start, end).join("") : text.slice(start, end);
}

/** The words between runs of white space. */
export function words(text: string): string[] {
  const trimmed = strip(text, "both");
  return trimmed === "" ? [] : trimmed.split(SPACE_RUNS);
}

/** str.title: every run of letters begins with a capital. */
export function title(text: string): string {
  return text.toLowerCase().replace(/(?<!\p{L})\p{L}/gu, (letter) => letter.toUpperCase());
}

/** str.capitalize: the first character alone is a capital. */
export function capitalize(text: string): string {
  const [first = ""] = text;
  return first.toUpperCase() + text.slice(first.length).toLowerCase();
}

/** str.splitlines, with or without the lines' ends. */
export function lines(text: string, keepEnds: boolean): string[] {
  const parts = text.split(keepEnds ? LINES_WITH_ENDS : LINE_ENDS);
  if (parts.at(-1) === "") parts.pop();
  return parts;
}
