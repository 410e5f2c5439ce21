import { isObject } from "../files/json.js";

/** Regexes of GPT-2, Llama 3 and Qwen 2, whose time is known to grow with the text's length alone. */
const KNOWN: ReadonlySet<string> = new Set([
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
]);
/** One character or class, perhaps repeated: nothing to go back to. */
const ONE_ATOM = /^(?:\\[pP]\{\w+\}|\\?[^\\[\](){}|^$*+?]|\[(?:\\.|[^\\[\]&])+\])(?:[+*?]|\{\d{1,3}(?:,\d{0,3})?\})?$/u;

/** Whether a part of tokenizer.json has a regex that may take exponential time, as far as can be told. */
export function hasUnknownRegex(part: unknown): boolean {
  if (typeof part !== "object" || part === null) return false;
  if (isObject(part) && typeof part.Regex === "string" && !KNOWN.has(part.Regex) && !ONE_ATOM.test(part.Regex)) {
    return true;
  }
  return Object.values(part).some(hasUnknownRegex);
}

/** How many times as long a text can become, at most, through the replacements in a part of tokenizer.json. */
export function growthOf(part: unknown): number {
  if (Array.isArray(part)) return part.reduce((growth, inner) => growth * growthOf(inner), 1);
  if (!isObject(part)) return 1;
  if (part.type === "Prepend") return 1 + lengthOf(part.prepend);
  if (part.type === "Replace") {
    const { String: text } = isObject(part.pattern) ? part.pattern : { String: undefined };
    const found = lengthOf(text);
    return found > 0 ? Math.max(1, lengthOf(part.content) / found) : 1 + lengthOf(part.content);
  }
  return growthOf(part.normalizers ?? part.pretokenizers ?? part.decoders);
}

function lengthOf(text: unknown): number {
  return typeof text === "string" ? text.length : 0;
}
