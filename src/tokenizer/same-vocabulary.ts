import { TokenizerError } from "../types/errors.js";
import { shown } from "../types/shown.js";
import type { Tokenizer } from "./tokenizer.js";

const ADVICE = "choose a draft of the same model family, or method universal";

/** Pairs that were found the same: comparing them takes a millisecond and more, and every output with a draft asks. */
const known = new WeakMap<Tokenizer, WeakSet<Tokenizer>>();

/**
 * Checks that two tokenizers give every text the same ids: vocabulary, merges, added tokens, and the way text is
 * prepared. config.json's vocab_size does not matter; it may be padded.
 * @throws TokenizerError naming the first difference
 */
export function assertSameTokenizer(target: Tokenizer, draft: Tokenizer): void {
  if (target === draft || known.get(target)?.has(draft)) return;
  compare(target, draft);
  known.set(target, (known.get(target) ?? new WeakSet()).add(draft));
}

function compare(target: Tokenizer, draft: Tokenizer): void {
  const theirs = draft.vocabulary;
  for (const [token, id] of target.vocabulary) {
    const other = theirs.get(token);
    if (other === id) continue;
    const found = other === undefined ? "unknown to the draft" : `${other} for the draft`;
    throw new TokenizerError(`the token ${shown(token)} is ${id} for the target and ${found}: ${ADVICE}`);
  }
  if (theirs.size !== target.vocabulary.size) {
    const extra = [...theirs.keys()].find((token) => !target.vocabulary.has(token));
    throw new TokenizerError(`the draft has the token ${shown(extra)}, which the target lacks: ${ADVICE}`);
  }
  const special = ({ json }: Tokenizer) =>
    (json.added_tokens ?? []).map((token) => [token.id, token.content, token.special]);
  const parts: readonly [name: string, of: (tokenizer: Tokenizer) => unknown][] = [
    ["merges", ({ json }) => normalMerges(json.model.merges)],
    ["special tokens", special],
    ["normalizer", ({ json }) => json.normalizer ?? null],
    ["pre-tokenizer", ({ json }) => json.pre_tokenizer ?? null],
  ];
  for (const [name, of] of parts) {
    if (JSON.stringify(of(target)) === JSON.stringify(of(draft))) continue;
    throw new TokenizerError(`target and draft tokenizers differ in their ${name}: ${ADVICE}`);
  }
}

/** Whether `assertSameTokenizer` would pass. */
export function hasSameTokenizer(target: Tokenizer, draft: Tokenizer): boolean {
  try {
    assertSameTokenizer(target, draft);
    return true;
  } catch (error) {
    if (error instanceof TokenizerError) return false;
    throw error;
  }
}

/** Merges stand as "a b" in older files and as ["a", "b"] in newer ones. */
function normalMerges(merges: unknown): unknown {
  return Array.isArray(merges) ? merges.map((merge) => (Array.isArray(merge) ? merge.join(" ") : merge)) : null;
}
