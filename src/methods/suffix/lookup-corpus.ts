import { isTokenId } from "../../sampling/sampling-options.js";
import { UsageError } from "../../types/errors.js";
import { shown } from "../../types/shown.js";
import type { TokenId } from "../../types/token.js";
import { SuffixAutomaton } from "./suffix-automaton.js";

const IDS = "a list of token ids, such as those of model.promptIds(text)";

/** Text that outputs are looked up in, beside their own: documents that answers quote, earlier answers, code. */
export class LookupCorpus {
  readonly automaton = new SuffixAutomaton();
  /** Largest id in it. */
  readonly largest: TokenId;

  /**
   * @param tokens ids of the target's tokenizer
   * @throws UsageError for anything else, such as text
   */
  constructor(tokens: Iterable<TokenId>) {
    const many = typeof tokens === "object" && tokens !== null && Symbol.iterator in tokens;
    if (!many) throw new UsageError(`a LookupCorpus is made of ${IDS}, got ${shown(tokens)}`);
    let largest = -1;
    for (const token of tokens) {
      if (!isTokenId(token))
        throw new UsageError(`a LookupCorpus is made of ${IDS}, got one with ${shown(token)} in it`);
      this.automaton.push(token);
      largest = Math.max(largest, token);
    }
    this.largest = largest;
  }
}
