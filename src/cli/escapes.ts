import { UsageError } from "../index.js";

const NAMED: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  "0": "\0",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/** Text with its escapes (\n, \t, \r, \0, \\, \xNN, \uNNNN, \u{N}) read. @throws UsageError for any other */
export function unescaped(text: string, flag: string): string {
  return text.replace(/\\(x[0-9a-f]{2}|u[0-9a-f]{4}|u\{[0-9a-f]{1,6}\}|.|$)/gisu, (written, code: string) => {
    if (Object.hasOwn(NAMED, code)) return NAMED[code];
    const value = code.length > 1 ? Number.parseInt(code.replace(/[xu{}]/gi, ""), 16) : Number.NaN;
    if (value <= 0x10ffff) return String.fromCodePoint(value);
    throw new UsageError(
      `--${flag}: ${written} is no escape, expected \\n, \\t, \\r, \\0, \\xNN, \\uNNNN or \\u{N}: write \\\\ for a backslash`,
    );
  });
}
