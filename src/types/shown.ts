/** Longest piece of a value that an error repeats. */
const SHOWN_CHARACTERS = 80;
/** Longest path that an error repeats: as long as file systems allow in practice. */
const PATH_CHARACTERS = 1024;

/**
 * A value for an error: on one line, cut when long, harmless on a terminal. What JSON has no word for is described:
 * "a function", "a Promise", "the regular expression /x/".
 */
export function shown(value: unknown): string {
  return escaped(described(value), SHOWN_CHARACTERS);
}

/**
 * A text or a path for an error or a terminal, cut when long: what a terminal would obey, or nobody would see, is written
 * out, such as \u001b, \u202e, a line's end.
 */
export function escaped(text: string, limit = PATH_CHARACTERS): string {
  const written = text.slice(0, limit + 1).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => {
    const code = character.codePointAt(0)!.toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
  return written.length > limit ? `${written.slice(0, limit)}...` : written;
}

/** Words of others, such as an error's reason, on one line: white space is one space. */
export function oneLine(text: string, limit: number): string {
  return escaped(
    text
      .slice(0, 2 * limit)
      .replace(/\s+/g, " ")
      .trim(),
    limit,
  );
}

function described(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, SHOWN_CHARACTERS + 1));
  if (typeof value === "bigint") return `the bigint ${value}`;
  if (typeof value === "symbol") return "a symbol";
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof RegExp) return `the regular expression ${value}`;
  if (value instanceof Error) return `an error (${value.message})`;
  const kind = Object.getPrototypeOf(value)?.constructor?.name;
  if (typeof kind === "string" && !["Object", "Array", ""].includes(kind)) return `${article(kind)} ${kind}`;
  try {
    return Array.isArray(value) ? listed(value) : (JSON.stringify(value) ?? "an object");
  } catch {
    // Circular, nested deeper than the stack, or holding a bigint.
    return Array.isArray(value) ? "a list" : "an object";
  }
}

/** A list's beginning, each item described. */
function listed(items: readonly unknown[]): string {
  const some = items.slice(0, SHOWN_CHARACTERS);
  const parts = some.map((item) =>
    typeof item === "object" && item !== null ? JSON.stringify(item) : described(item),
  );
  return `[${parts.join(", ")}]`;
}

function article(word: string): string {
  return /^[AEIOU]/i.test(word) ? "an" : "a";
}
