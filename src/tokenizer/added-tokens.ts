import { isObject } from "../files/json.js";
import { TokenizerError } from "../types/errors.js";
import { shown } from "../types/shown.js";
import { type AddedToken, checkAddedToken, type TokenizerJson, type VocabularyEntries } from "./tokenizer-json.js";

/** A special token in tokenizer_config.json: its text, or an object with it and how it is found. */
export type SpecialToken = string | { content: string } | null;

/** The fields of tokenizer_config.json that name special tokens, in transformers' order. */
const NAMES = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"] as const;

export interface AddedTokenConfig extends Partial<Record<(typeof NAMES)[number], SpecialToken>> {
  added_tokens_decoder?: unknown;
  additional_special_tokens?: unknown;
  extra_special_tokens?: unknown;
}

/**
 * What special_tokens_map.json and added_tokens.json add to tokenizer_config.json: both count only where that has no
 * added_tokens_decoder, and special_tokens_map.json then wins (transformers 5, PreTrainedTokenizerBase._from_pretrained).
 * @param known the tokens of tokenizer.json, which win over added_tokens.json
 */
export function withLegacyFiles<T extends AddedTokenConfig>(
  config: T,
  specialTokens: Record<string, unknown> | undefined,
  addedTokens: Record<string, unknown> | undefined,
  known: readonly Partial<AddedToken>[] = [],
): T {
  if (config.added_tokens_decoder !== undefined) return config;
  const merged: T = { ...config, ...specialTokens };
  if (!addedTokens) return merged;
  const special = new Set([...NAMES.map((name) => contentOf(merged[name])), ...extraTokens(merged).map(contentOf)]);
  const decoder: Record<string, unknown> = {};
  for (const [content, id] of Object.entries(addedTokens)) {
    if (known.some((token) => token.content === content || token.id === id)) continue;
    decoder[String(id)] = { content, special: special.has(content), normalized: !special.has(content) };
  }
  return { ...merged, added_tokens_decoder: decoder };
}

/**
 * The added tokens as transformers has them: those of tokenizer.json, then those of added_tokens_decoder by their ids,
 * then the named special tokens. Ids are given as the tokenizers library gives them: a token of the vocabulary keeps its
 * own, others follow the largest one, whatever the file says.
 * @param entries the model's own tokens
 * @throws TokenizerError naming the file and the token
 */
export function addedTokens(
  json: TokenizerJson,
  entries: VocabularyEntries,
  config: AddedTokenConfig,
  file: string,
): AddedToken[] {
  const idOf = lookUp(json.model.vocab, entries);
  const found = new Map<string, AddedToken>();
  let next: number | undefined;
  const add = (token: Omit<AddedToken, "id">) => {
    if (token.content === "") return;
    let id = found.get(token.content)?.id ?? idOf(token.content);
    if (id === undefined) {
      next ??= Math.max(entries.length, ...[...found.values()].map((known) => known.id + 1));
      id = next++;
    }
    found.set(token.content, { ...token, id });
  };
  for (const token of json.added_tokens ?? []) add({ ...token, special: token.special === true });
  for (const token of decoderTokens(config.added_tokens_decoder, file)) add(token);
  const named = NAMES.map((name) => config[name]);
  for (const token of [...named, ...extraTokens(config)]) {
    const content = contentOf(token);
    const known = found.get(content);
    if (known) known.special = true;
    else add({ normalized: false, ...(isObject(token) ? token : {}), content, special: true });
  }
  return [...found.values()].sort((a, b) => a.id - b.id);
}

/** The text of a special token; "" for none. */
export function contentOf(token: unknown): string {
  const content = isObject(token) ? token.content : token;
  return typeof content === "string" ? content : "";
}

/** The tokens of added_tokens_decoder, by id. */
function decoderTokens(decoder: unknown, file: string): AddedToken[] {
  if (decoder == null) return [];
  if (!isObject(decoder)) {
    throw new TokenizerError(
      `${file}: the configuration's added_tokens_decoder is ${shown(decoder)}, expected an object`,
    );
  }
  const tokens = Object.entries(decoder).map(([id, token]) => {
    const given = isObject(token) ? { special: false, ...token, id: Number(id) } : token;
    checkAddedToken(given, `the configuration beside ${file}`);
    return given;
  });
  return tokens.sort((a, b) => a.id - b.id);
}

function extraTokens(config: AddedTokenConfig): unknown[] {
  const lists = [config.extra_special_tokens, config.additional_special_tokens];
  return lists.flatMap((list) => (isObject(list) ? Object.values(list) : Array.isArray(list) ? list : []));
}

/** The ids of a model's own tokens. */
function lookUp(vocab: unknown, entries: VocabularyEntries): (token: string) => number | undefined {
  if (isObject(vocab)) return (token) => (Object.hasOwn(vocab, token) ? (vocab[token] as number) : undefined);
  const ids = new Map(entries);
  return (token) => ids.get(token);
}
