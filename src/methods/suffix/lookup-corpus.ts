import type { TokenId } from "../../types/token.js";
import { SuffixAutomaton } from "./suffix-automaton.js";

/** Text that outputs are looked up in, beside their own: documents that answers quote, earlier answers, code. */
export class LookupCorpus {
  readonly automaton = new SuffixAutomaton();
  /** Largest id in it. */
  readonly largest: TokenId;

  /** @param tokens ids of the target's tokenizer */
  constructor(tokens: Iterable<TokenId>) {
    let largest = -1;
    for (const token of tokens) {
      this.automaton.push(token);
      largest = Math.max(largest, token);
    }
    this.largest = largest;
  }
}
