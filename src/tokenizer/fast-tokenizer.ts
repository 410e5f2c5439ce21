import { isObject } from "../files/json.js";
import { TokenizerError } from "../types/errors.js";
import { oneLine, shown } from "../types/shown.js";
import { type FastTokenizer, library } from "./library.js";
import { patternOf, preTokenizer } from "./pre-tokenizers.js";
import { withTimeLimit } from "./time-limit.js";
import type { TokenizerJson, VocabularyEntries } from "./tokenizer-json.js";
import { growthOf } from "./untrusted-parts.js";

const PARTS = ["normalizer", "pre_tokenizer", "post_processor", "decoder"] as const;
type Part = (typeof PARTS)[number];

/** Milliseconds in which a part must be ready and treat a short text. Known ones take less than one. */
const READY_MS = 500;
/** Most that a text may grow through replacements, each counted at its worst. Known tokenizers' grow it tenfold. */
const MAX_GROWTH = 4096;
/** A text with what normalizers and pre-tokenizers look at: letters, digits, spaces and punctuation. */
const PROBE = "Probe a1, b  c.\n";
/** Longest reason that an error repeats. */
export const REASON_CHARACTERS = 160;

/** The library's tokenizer with patterns that read Unicode as the Rust library does. @throws TokenizerError naming the part */
export function fastTokenizer(
  json: TokenizerJson,
  entries: VocabularyEntries,
  config: object,
  file: string,
): FastTokenizer {
  for (const part of PARTS) {
    if (growthOf(json[part]) > MAX_GROWTH) {
      throw new TokenizerError(`${file}: its ${part} makes a text more than ${MAX_GROWTH} times as long`);
    }
    explained(file, part, () => withTimeLimit(() => tryPart(json, part), READY_MS, tooSlow(file, part)));
  }
  const fast = explained(file, "model", () => {
    // The library would list the keys of the vocabulary again.
    const own = json.model.type !== "BPE";
    const made = build(own ? json : { ...json, model: { ...json.model, vocab: {} } }, config);
    if (!own) fill(made.model, entries);
    return made;
  });
  const { post_processor: after } = fast;
  const added = explained(file, "post_processor", () => after?.([], null, true).tokens) ?? [];
  const unknown = added.find((token) => !fast.model.tokens_to_ids.has(token));
  if (unknown !== undefined) {
    throw new TokenizerError(`${file}: its post_processor adds the token ${shown(unknown)}, which has no id`);
  }
  return fast;
}

/** The result of `work`; what goes wrong becomes a TokenizerError that names the part. */
export function explained<T>(file: string, part: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TokenizerError) throw error;
    throw new TokenizerError(
      `${file}: its ${part} cannot be used (${oneLine((error as Error).message, REASON_CHARACTERS)})`,
    );
  }
}

export function tooSlow(file: string, part: string): string {
  return `${file}: a regular expression of its ${part} takes too long: the file is damaged, or made to do that`;
}

function build(json: TokenizerJson, config: object): FastTokenizer {
  const { normalizer = null, post_processor = null, decoder = null, added_tokens = [] } = json;
  const known = { ...json, normalizer, pre_tokenizer: null, post_processor, decoder, added_tokens };
  const fast = new library.Tokenizer(known, config);
  fast.pre_tokenizer = preTokenizer(json.pre_tokenizer);
  usePatterns(fast.normalizer, normalizer);
  usePatterns(fast.decoder, decoder);
  return fast;
}

function fill(model: FastTokenizer["model"], entries: VocabularyEntries): void {
  for (const [token, id] of entries) {
    model.tokens_to_ids.set(token, id);
    model.vocab[id] = token;
  }
  if (model.unk_token != null) model.unk_token_id = model.tokens_to_ids.get(model.unk_token);
}

/** Builds one part alone, with the added tokens that it may change, and uses it. */
function tryPart(json: TokenizerJson, part: Part): void {
  if (json[part] == null) return;
  const model = { type: "BPE", vocab: {}, merges: [] };
  const added = part === "normalizer" ? json.added_tokens : [];
  checkReplacements(json[part]);
  const fast = build({ model, added_tokens: added, [part]: json[part] }, {});
  fast.normalizer?.(PROBE);
  fast.pre_tokenizer?.(PROBE, { section_index: 0 });
  fast.post_processor?.(["a"], null, true);
  fast.decoder?.(["▁a", "Ġb"]);
}

/** The library says on the console what it does not know. @throws Error for a Replace without a pattern */
function checkReplacements(json: unknown): void {
  if (typeof json !== "object" || json === null) return;
  if (isObject(json) && json.type === "Replace") patternOf(json.pattern);
  for (const inner of Object.values(json)) checkReplacements(inner);
}

interface Composite {
  pattern?: unknown;
  normalizers?: (Composite | null)[];
  decoders?: (Composite | null)[];
}

/** Gives Replace its own kind of pattern, wherever it stands in a normalizer or decoder. */
function usePatterns(component: unknown, json: unknown): void {
  if (component == null) return;
  const { normalizers, decoders } = component as Composite;
  const given = json as { type: string; pattern?: unknown; normalizers?: unknown[]; decoders?: unknown[] };
  if (given.type === "Replace") (component as Composite).pattern = patternOf(given.pattern);
  for (const [i, inner] of (normalizers ?? decoders ?? []).entries()) {
    usePatterns(inner, (given.normalizers ?? given.decoders)![i]);
  }
}
