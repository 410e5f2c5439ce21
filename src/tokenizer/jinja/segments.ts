import { TemplateError } from "./template-error.js";
import { isSpace, strip } from "./unicode.js";

/** A stretch of a template: text as it is, or the inside of a {% tag %} or {{ expression }}. */
export interface Segment {
  kind: "text" | "statement" | "expression";
  value: string;
  /** From 1. */
  line: number;
}

/** Texts that no conversation has. */
export interface GenerationMarks {
  begin: string;
  end: string;
}

/**
 * Cuts a template as Jinja2's lexer does with trim_blocks and lstrip_blocks, the settings of transformers. Comments are left
 * out.
 * @param marks what {% generation %} and {% endgeneration %} print, around what the assistant wrote; by default nothing
 */
export function segments(template: string, marks: GenerationMarks = { begin: "", end: "" }): Segment[] {
  const source = template.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  const result: Segment[] = [];
  const opening = /\{[{%#]/g;
  let [at, line] = [0, 1];
  const push = (kind: Segment["kind"], value: string, end: number) => {
    if (value !== "" || kind !== "text") result.push({ kind, value, line });
    for (; at < end; at++) if (source[at] === "\n") line++;
  };
  while (at < source.length) {
    opening.lastIndex = at;
    const open = opening.exec(source)?.index ?? source.length;
    push("text", textBefore(source, at, open), open);
    if (open === source.length) break;
    const tag = closing(source, open, line);
    const raw = source[open + 1] === "%" && tag.code.trim() === "raw" && rawText(source, tag.end, line);
    if (raw) {
      push("text", raw.text, raw.end);
    } else if (source[open + 1] === "#") {
      push("text", "", tag.end);
    } else if (/^\s*(end)?generation\s*$/.test(tag.code)) {
      push("text", tag.code.trim() === "generation" ? marks.begin : marks.end, tag.end);
    } else {
      push(source[open + 1] === "{" ? "expression" : "statement", tag.code, tag.end);
    }
  }
  return result;
}

/** The text up to a tag, without the white space that the tag takes away on its left. */
function textBefore(source: string, start: number, open: number): string {
  const text = source.slice(start, open);
  const sign = source[open + 2];
  if (sign === "-") return strip(text, "right");
  if (open === source.length || sign === "+" || source[open + 1] === "{") return text;
  const lineStart = text.lastIndexOf("\n") + 1;
  const atLineStart = lineStart > 0 || start === 0 || source[start - 1] === "\n";
  return atLineStart && strip(text.slice(lineStart), "both") === "" ? text.slice(0, lineStart) : text;
}

/** Where the next text begins: behind the tag's end at `end` and the white space that it takes away on its right. */
function textAfter(source: string, sign: string, end: number, trims: boolean): number {
  let at = end;
  if (sign === "-") while (isSpace(source[at])) at++;
  else if (trims && sign !== "+" && source[at] === "\n") at++;
  return at;
}

/** The inside of the tag that opens at `open`, and where the next text begins. */
function closing(source: string, open: number, line: number): { code: string; end: number } {
  const kind = source[open + 1];
  const start = open + (/[-+]/.test(source[open + 2] ?? "") ? 3 : 2);
  const close = kind === "{" ? "}}" : `${kind}}`;
  if (kind === "#") {
    const end = source.indexOf(close, start);
    if (end < 0) throw new TemplateError("syntax", "a comment {# is not closed with #}", line);
    return { code: "", end: textAfter(source, source[end - 1], end + 2, true) };
  }
  let [depth, at, code] = [0, start, ""];
  while (at < source.length) {
    const character = source[at];
    const sign = depth === 0 && /[-+]/.test(character) && source.startsWith(close, at + 1) ? character : "";
    if (depth === 0 && source.startsWith(close, at + sign.length) && !(kind === "{" && sign === "+")) {
      return { code, end: textAfter(source, sign, at + sign.length + 2, kind === "%") };
    }
    if (character === "'" || character === '"') {
      const literal = stringLiteral(source, at, line);
      code += literal.code;
      at = literal.end;
      continue;
    }
    const number = /\d/.test(character) && !/[\w.]/.test(source[at - 1]) ? numberLiteral(source, at) : undefined;
    if (number) {
      code += number.code;
      at = number.end;
      continue;
    }
    if ("([{".includes(character)) depth++;
    else if (")]}".includes(character)) depth = Math.max(0, depth - 1);
    // The parser's library takes time that grows with the square of white space in a row.
    if (!isSpace(character)) code += character;
    else if (!isSpace(source[at - 1])) code += " ";
    at++;
  }
  throw new TemplateError("syntax", `a tag {${kind} is not closed with ${close}`, line);
}

const NUMBER = /0x[\da-f_]+|0o[0-7_]+|0b[01_]+|\d[\d_]*(\.\d+)?(e[+-]?\d+)?/iy;

/** A number in the form that the parser's library knows: decimal, without _ and exponent. */
function numberLiteral(source: string, start: number): { code: string; end: number } {
  NUMBER.lastIndex = start;
  const [text, fraction, exponent] = NUMBER.exec(source)!;
  const value = Number(text.replaceAll("_", ""));
  const end = start + text.length;
  if (!exponent) return { code: fraction ? text.replaceAll("_", "") : decimal(value), end };
  return { code: Number.isInteger(value) ? `${decimal(value)}.0` : value.toFixed(100).replace(/0+$/, ""), end };
}

function decimal(value: number): string {
  return Number.isFinite(value) ? BigInt(value).toString() : "0";
}

/** A string literal with the escapes that the parser's library does not know written out as Python reads them. */
function stringLiteral(source: string, start: number, line: number): { code: string; end: number } {
  const quote = source[start];
  let end = start + 1;
  while (end < source.length && source[end] !== quote) end += source[end] === "\\" ? 2 : 1;
  if (end >= source.length) throw new TemplateError("syntax", `a text that begins with ${quote} is not closed`, line);
  const code = source.slice(start, end + 1).replace(/\\(U[0-9a-fA-F]{8}|[0-7]{1,3}|[\s\S])/g, (match, code: string) => {
    if (code.length > 1 || /[0-7]/.test(code)) return character(code);
    if (code === "a") return "\x07";
    if (code === "\n") return "";
    return /[ntrbfvxu'"\\]/.test(code) ? match : `\\${match}`;
  });
  return { code: code.replace(/\s{9,}/g, spelled), end: end + 1 };
}

/** White space as escapes, for the same reason. */
function spelled(space: string): string {
  return space.replace(/\s/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function character(digits: string): string {
  const code = digits[0] === "U" ? Number.parseInt(digits.slice(1), 16) : Number.parseInt(digits, 8);
  const text = code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
  return /['"\\]/.test(text) ? `\\${text}` : text;
}

function rawText(source: string, start: number, line: number): { text: string; end: number } {
  const ending = /\{%([-+]?)\s{0,1000}endraw\s{0,1000}([-+]?)%\}/g;
  ending.lastIndex = start;
  const match = ending.exec(source);
  if (!match) throw new TemplateError("syntax", "{% raw %} is not closed with {% endraw %}", line);
  const text = textBefore(source, start, match.index);
  return { text, end: textAfter(source, match[2], match.index + match[0].length, true) };
}
