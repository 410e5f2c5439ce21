/** Longest piece of a value that an error repeats. */
const SHOWN_CHARACTERS = 80;

/**
 * A value for an error: on one line, cut when long, harmless on a terminal. What JSON has no word for is described:
 * "a function", "a Promise", "the regular expression /x/".
 */
export function shown(value: unknown): string {
  const text = escaped(described(value));
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text;
}

/** Text with what a terminal would obey, or nobody would see, written out: \u001b, \u202e, a line's end. */
export function escaped(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]|\p{Cs}/gu, (character) => {
    const code = character.codePointAt(0)!;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
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
