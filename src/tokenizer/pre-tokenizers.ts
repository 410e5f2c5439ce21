import { isObject } from "../files/json.js";
import { shown } from "../types/shown.js";
import { library, type PreTokenizer } from "./library.js";
import { type SplitBehavior, UnicodePattern } from "./unicode-pattern.js";

const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
/** The library's punctuation is an older Unicode's than any other class: these came later, and two have left since. */
const PUNCTUATION = [
  "(?:(?![\\u{61d}\\u{9fd}\\u{a76}\\u{c77}\\u{c84}\\u{1b4e}\\u{1b4f}\\u{1b7d}-\\u{1b7f}\\u{2e43}-\\u{2e4f}\\u{2e52}-\\u{2e5d}",
  "\\u{10d6e}\\u{10ead}\\u{10ed0}\\u{10f55}-\\u{10f59}\\u{10f86}-\\u{10f89}\\u{113d4}\\u{113d5}\\u{113d7}\\u{113d8}",
  "\\u{1144b}-\\u{1144f}\\u{1145a}\\u{1145b}\\u{1145d}\\u{11660}-\\u{1166c}\\u{116b9}\\u{1183b}\\u{11944}-\\u{11946}",
  "\\u{119e2}\\u{11a3f}-\\u{11a46}\\u{11a9a}-\\u{11a9c}\\u{11a9e}-\\u{11aa2}\\u{11b00}-\\u{11b09}\\u{11be1}",
  "\\u{11c41}-\\u{11c45}\\u{11c70}\\u{11c71}\\u{11ef7}\\u{11ef8}\\u{11f43}-\\u{11f4f}\\u{11fff}\\u{12ff1}\\u{12ff2}",
  "\\u{16d6d}-\\u{16d6f}\\u{16e97}-\\u{16e9a}\\u{16fe2}\\u{1e5ff}\\u{1e95e}\\u{1e95f}])",
  "[\\p{P}$+<=>^`|~\\u{166d}\\u{111c9}])",
]
  .join("")
  .replaceAll("\\u{", "\\x{");
/** Longest regex. Those of known tokenizers have at most 2,000 characters; longer ones take long to translate. */
const MAX_REGEX = 20_000;
const BEHAVIORS: readonly string[] = ["Isolated", "Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext"];

/** The pre-tokenizer of a tokenizer.json. @throws Error for one that is malformed or unknown */
export function preTokenizer(json: unknown): PreTokenizer | null {
  if (json == null) return null;
  if (!isObject(json)) throw new Error(`${shown(json)} is no pre-tokenizer`);
  switch (json.type) {
    case "Sequence":
      return sequence(json.pretokenizers);
    case "Split":
      return splitter(patternOf(json.pattern), behaviorOf(json.behavior), json.invert === true);
    case "Digits":
      return splitter(
        UnicodePattern.of("\\p{N}", { current: true }),
        json.individual_digits ? "Isolated" : "Contiguous",
      );
    case "Punctuation":
      return splitter(UnicodePattern.of(PUNCTUATION, { current: true }), behaviorOf(json.behavior ?? "Isolated"));
    case "Whitespace":
      return splitter(UnicodePattern.of(`[\\w\\x{200c}\\x{200d}]+|[^\\w\\s\\x{200c}\\x{200d}]+`), "Removed", true);
    case "WhitespaceSplit":
      return splitter(UnicodePattern.of("\\s"), "Removed");
    case "BertPreTokenizer":
      return sequence([{ type: "WhitespaceSplit" }, { type: "Punctuation" }]);
    case "CharDelimiterSplit":
      return splitter(UnicodePattern.literal(String(json.delimiter)), "Removed");
    case "FixedLength":
      return fixedLength(json.length);
    case "Replace": {
      const pattern = patternOf(json.pattern);
      return (text) => [pattern[Symbol.replace](text, String(json.content ?? ""))];
    }
    case "ByteLevel": {
      const byteLevel = new library.ByteLevelPreTokenizer(json);
      byteLevel.pattern = UnicodePattern.of(GPT2);
      return (text) => byteLevel.pre_tokenize_text(text);
    }
    case "Metaspace":
      return metaspace(json);
    default:
      throw new Error(`the pre-tokenizer ${shown(json.type)} is unknown`);
  }
}

/** The pattern of a Split or Replace. @throws Error when it is neither {"Regex": ...} nor {"String": ...} */
export function patternOf(json: unknown): UnicodePattern {
  const { Regex: regex, String: text } = isObject(json) ? json : ({} as Record<string, unknown>);
  if (typeof regex === "string" && regex.length > MAX_REGEX) {
    throw new Error(`a regular expression of ${regex.length} characters is too long, expected at most ${MAX_REGEX}`);
  }
  if (typeof regex === "string") return UnicodePattern.of(regex);
  if (typeof text === "string") return UnicodePattern.literal(text);
  throw new Error(`${shown(json)} is no pattern, expected {"Regex": "..."} or {"String": "..."}`);
}

function behaviorOf(json: unknown): SplitBehavior {
  const found = BEHAVIORS.find((behavior) => behavior.toLowerCase() === String(json).toLowerCase());
  if (found === undefined) throw new Error(`the behavior ${shown(json)} is unknown, expected ${BEHAVIORS.join(", ")}`);
  return found as SplitBehavior;
}

function splitter(pattern: UnicodePattern, behavior: SplitBehavior, invert = false): PreTokenizer {
  return (text) => pattern.split(text, behavior, invert);
}

function metaspace(json: Record<string, unknown>): PreTokenizer {
  const { replacement = "▁", prepend_scheme, add_prefix_space, split = true } = json;
  if (typeof replacement !== "string" || [...replacement].length !== 1) {
    throw new Error(`the replacement ${shown(replacement)} is no character`);
  }
  const scheme = prepend_scheme ?? (add_prefix_space === false ? "never" : "always");
  const whole = new library.MetaspacePreTokenizer({ replacement, prepend_scheme: scheme });
  const words = UnicodePattern.literal(replacement);
  return (text, options) => {
    const pieces = whole.pre_tokenize_text(text, options);
    return split ? pieces.flatMap((piece) => words.split(piece, "MergedWithNext")) : pieces;
  };
}

function sequence(json: unknown): PreTokenizer {
  if (!Array.isArray(json)) throw new Error(`pretokenizers is ${shown(json)}, expected a list`);
  const parts = json.map(preTokenizer);
  return (text, options) =>
    parts.reduce((pieces, part) => (part ? pieces.flatMap((piece) => part(piece, options)) : pieces), [text]);
}

function fixedLength(length: unknown): PreTokenizer {
  if (!Number.isInteger(length) || (length as number) < 1) throw new Error(`the length ${shown(length)} is no length`);
  return (text) => {
    const characters = Array.from(text);
    const pieces: string[] = [];
    for (let at = 0; at < characters.length; at += length as number) {
      pieces.push(characters.slice(at, at + (length as number)).join(""));
    }
    return pieces;
  };
}
