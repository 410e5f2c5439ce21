/** Longest piece of a user's file that an error repeats. */
const SHOWN_CHARACTERS = 80;
/** Longest path that an error repeats: as long as file systems allow in practice. */
const PATH_CHARACTERS = 1024;
/** What a terminal might act on or hide: control characters, invisible formatting, line and paragraph separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A value from a user's file for an error, as JSON: on one line, cut when long, without control characters. */
export function show(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(typeof value === "string" ? value.slice(0, SHOWN_CHARACTERS + 1) : value) ?? "nothing";
  } catch {
    // Nested deeper than the stack.
    text = `a nested ${typeof value}`;
  }
  return cut(text.slice(0, 2 * SHOWN_CHARACTERS).replace(UNPRINTABLE, escapeCharacter), SHOWN_CHARACTERS);
}

/** A text from a user's file or a path for an error, without quotes: on one line, cut when long. */
export function escaped(text: string, limit = PATH_CHARACTERS): string {
  return cut(text.slice(0, 2 * limit).replace(UNPRINTABLE, escapeCharacter), limit);
}

function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit)}...` : text;
}

function escapeCharacter(character: string): string {
  const hex = character.codePointAt(0)!.toString(16);
  return hex.length <= 4 ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}
