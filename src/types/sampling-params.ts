import type { TokenId } from "./token.js";

/** How the next token is chosen from a row of logits. Names and meanings follow Hugging Face transformers' GenerationConfig. */
export interface SamplingParams {
  /** Sample; false takes the most likely token. Default: true when temperature > 0 is given, else false. */
  doSample: boolean;
  /** Divides the logits, > 0. Default 1. */
  temperature: number;
  /** Keep the k most likely tokens (ties with the k-th are kept); 0 keeps all. Default 0. */
  topK: number;
  /** Keep the smallest set of most likely tokens whose probability reaches topP, in (0, 1]. Default 1 (all). */
  topP: number;
  /** Keep tokens at least minP times as likely as the likeliest, in [0, 1]. Default 0 (all). */
  minP: number;
  /** Locally typical sampling, in (0, 1]: keep the tokens whose surprise is nearest the entropy, up to this mass. Default 1 (all). */
  typicalP: number;
  /** Divides positive and multiplies negative logits of every token in prompt and output, > 0. Default 1 (off). */
  repetitionPenalty: number;
  /** Subtracted once from the logit of every token already in the output (OpenAI). Default 0. */
  presencePenalty: number;
  /** Subtracted from a token's logit for each time it is in the output (OpenAI). Default 0. */
  frequencyPenalty: number;
  /** Added to the logits of these tokens. Default none. */
  logitBias: ReadonlyMap<TokenId, number>;
  /** Token sequences that must not occur in the output. Default none. */
  badWordsIds: readonly (readonly TokenId[])[];
  /** End-of-sequence tokens are impossible before this many new tokens. Default 0. */
  minNewTokens: number;
  /** Seed of the request's noise, an integer in [0, 2^53). Default: a new one for each prompt of each call; the result has it. */
  seed: number;
}
