import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { TokenizerError } from "../types/errors.js";
import type { ModelConfig } from "../types/model-config.js";
import type { TokenId } from "../types/token.js";

/** What a model and its tokenizer agree on. */
export interface Vocabulary {
  /** The configuration's end-of-sequence ids; where it names none, the tokenizer's own. */
  eosTokenIds: TokenId[];
  /** Ids from here on are padding and never chosen. */
  vocabLimit: number;
}

/**
 * Which ids can be chosen and which end an output. An end-of-sequence id that the model has a row for can be chosen even
 * where the tokenizer has no token for it, as in transformers: a model could not stop otherwise.
 * @throws TokenizerError for a tokenizer's own end-of-sequence token that the model has no row for
 */
export function vocabularyOf(config: ModelConfig, tokenizer: Tokenizer | undefined): Vocabulary {
  if (!tokenizer) return { eosTokenIds: config.eosTokenIds, vocabLimit: config.vocabSize };
  const { eosTokenId: own } = tokenizer;
  const eosTokenIds = config.eosTokenIds.length > 0 || own === undefined ? config.eosTokenIds : [own];
  const largest = Math.max(-1, ...eosTokenIds);
  if (largest >= config.vocabSize) {
    throw new TokenizerError(
      `the tokenizer's eos_token has the id ${largest}, but the model has rows for ${config.vocabSize} tokens: set eos_token_id in generation_config.json`,
    );
  }
  return { eosTokenIds, vocabLimit: Math.min(config.vocabSize, Math.max(tokenizer.vocabSize, largest + 1)) };
}
