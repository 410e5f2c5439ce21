import { isObject } from "../files/json.js";
import { TokenizerError } from "../types/errors.js";
import { shown } from "../types/shown.js";

/** A token beside the model's own vocabulary, found in a text before anything else happens to it. */
export interface AddedToken {
  id: number;
  content: string;
  /** Left out of texts when special tokens are. */
  special: boolean;
  single_word?: boolean;
  lstrip?: boolean;
  rstrip?: boolean;
  /** Looked for in the normalised text. */
  normalized?: boolean;
}

/** The parts of tokenizer.json that are read here; the rest is the library's. */
export interface TokenizerJson {
  model: { merges?: unknown; vocab?: unknown } & Record<string, unknown>;
  added_tokens?: AddedToken[];
  normalizer?: unknown;
  pre_tokenizer?: unknown;
  post_processor?: unknown;
  decoder?: unknown;
}

/** Kinds of models that the library knows. */
const MODEL_TYPES: readonly string[] = ["BPE", "WordPiece", "WordLevel", "Unigram"];
/** Most tokens of a vocabulary; the largest known have 262,144. Tables are as long as the largest id. */
const MAX_TOKENS = 1 << 22;
/** Deepest nesting of a part. Those of known tokenizers have 4 levels. */
const MAX_DEPTH = 32;

/** Tokens and their ids. */
export type VocabularyEntries = readonly (readonly [token: string, id: number])[];

/**
 * Checks ids, tokens, merges and the depth of the parts. Returns the model's vocabulary: to list the keys of an object of
 * 150,000 takes as long as the rest of loading, so it is done once.
 * @throws TokenizerError naming the file and what is wrong
 */
export function checkTokenizerJson(json: unknown, file: string): VocabularyEntries {
  if (!isObject(json)) throw new TokenizerError(`${file} must hold a JSON object`);
  const { model, added_tokens: added } = json;
  if (!isObject(model)) throw new TokenizerError(`${file} has no "model": is it a Hugging Face tokenizer?`);
  const entries = checkVocabulary(model, file);
  if (model.merges !== undefined) checkMerges(model.merges, file);
  if (added !== undefined && !Array.isArray(added)) {
    throw new TokenizerError(`${file}: added_tokens is ${shown(added)}, expected a list`);
  }
  for (const token of added ?? []) checkAddedToken(token, file);
  for (const part of ["normalizer", "pre_tokenizer", "post_processor", "decoder"]) {
    const value = json[part] ?? null;
    if (value !== null && !(isObject(value) && typeof value.type === "string")) {
      throw new TokenizerError(`${file}: ${part} is ${shown(value)}, expected an object with a "type", or null`);
    }
    if (!isShallow(value, MAX_DEPTH)) {
      throw new TokenizerError(`${file}: ${part} is nested deeper than ${MAX_DEPTH} levels`);
    }
  }
  return entries;
}

/** @throws TokenizerError unless `token` has an id and a text */
export function checkAddedToken(token: unknown, file: string): asserts token is AddedToken {
  if (!isObject(token) || typeof token.content !== "string") {
    throw new TokenizerError(`${file}: an added token is ${shown(token)}, expected an object with "id" and "content"`);
  }
  checkId(token.id, token.content, file);
}

function checkId(id: unknown, token: string, file: string): asserts id is number {
  if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < MAX_TOKENS) return;
  throw new TokenizerError(
    `${file}: the token ${shown(token)} has the id ${shown(id)}, expected an integer from 0 to ${MAX_TOKENS - 1}`,
  );
}

function checkVocabulary({ vocab, type }: Record<string, unknown>, file: string): VocabularyEntries {
  // Older files leave the type out.
  if (type !== undefined && !MODEL_TYPES.includes(type as string)) {
    throw new TokenizerError(
      `${file} cannot be used: its model is of the type ${shown(type)}, expected one of: ${MODEL_TYPES.join(", ")}`,
    );
  }
  if (type === "Unigram" || (type === undefined && Array.isArray(vocab))) {
    const sound = Array.isArray(vocab) && vocab.length > 0 && vocab.length <= MAX_TOKENS;
    if (!sound) throw new TokenizerError(`${file}: model.vocab is ${shown(vocab)}, expected [token, score] pairs`);
    for (const pair of vocab) {
      if (Array.isArray(pair) && typeof pair[0] === "string" && typeof pair[1] === "number") continue;
      throw new TokenizerError(`${file}: model.vocab holds ${shown(pair)}, expected [token, score]`);
    }
    return vocab.map(([token], id) => [token, id]);
  }
  if (!isObject(vocab)) {
    throw new TokenizerError(`${file}: model.vocab is ${shown(vocab)}, expected an object of tokens and their ids`);
  }
  const entries = Object.entries(vocab);
  const seen = new Uint8Array(MAX_TOKENS);
  for (const [token, id] of entries) {
    checkId(id, token, file);
    if (seen[id]++ === 0) continue;
    const [first] = entries.find(([, other]) => other === id)!;
    throw new TokenizerError(`${file}: the tokens ${shown(first)} and ${shown(token)} have the same id ${id}`);
  }
  return entries as [string, number][];
}

/** Merges stand as "a b" in older files and as ["a", "b"] in newer ones. */
function checkMerges(merges: unknown, file: string): void {
  if (!Array.isArray(merges)) throw new TokenizerError(`${file}: model.merges is ${shown(merges)}, expected a list`);
  for (const merge of merges) {
    if (typeof merge === "string" && merge.includes(" ")) continue;
    if (Array.isArray(merge) && typeof merge[0] === "string" && typeof merge[1] === "string") continue;
    throw new TokenizerError(`${file}: model.merges holds ${shown(merge)}, expected two tokens`);
  }
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isShallow(inner, levels - 1));
}
