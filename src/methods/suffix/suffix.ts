import type { TokenHistory } from "../../sampling/history.js";
import { chain } from "../../trees/token-tree.js";
import { UsageError } from "../../types/errors.js";
import type { TokenId } from "../../types/token.js";
import type { DraftContext, Drafter, StepOutcome, StepPlan } from "../drafter.js";
import { optionOf } from "../options.js";
import type { Method } from "../registry.js";
import { type Match, SuffixAutomaton } from "./suffix-automaton.js";

/**
 * Proposes what followed the longest end of the text that occurred before, in prompt and output or in a corpus (SAM
 * decoding; Hu et al. 2024). Matches of any length, amortised constant time a token.
 */
export class SuffixDrafter implements Drafter {
  readonly name = "suffix";
  readonly free = true;
  private readonly own = new SuffixAutomaton();
  /** Where the text so far stands in the corpus. */
  private inCorpus: Match = { state: 0, length: 0 };

  constructor(
    private readonly length: number,
    private readonly minMatch: number,
    private readonly corpus?: SuffixAutomaton,
  ) {}

  async begin(prompt: readonly TokenId[]): Promise<void> {
    for (const token of prompt) this.take(token);
  }

  async propose({ history, maxDepth }: DraftContext, budget: number): Promise<StepPlan> {
    const room = Math.min(this.length, maxDepth, budget);
    const found = room > 0 ? this.continuation(history, room) : [];
    return { tree: chain(history.at(history.length - 1), found, this.name) };
  }

  observe({ committed }: StepOutcome): void {
    for (const token of committed) this.take(token);
  }

  fork(): Drafter {
    const copy = new SuffixDrafter(this.length, this.minMatch, this.corpus);
    for (const token of this.own.tokens) copy.take(token);
    return copy;
  }

  dispose(): void {}

  private take(token: TokenId): void {
    this.own.push(token);
    if (this.corpus) this.inCorpus = this.corpus.advance(this.inCorpus, token);
  }

  /** What is not committed yet of the text is looked up, but not looked up in: it cannot be taken back. */
  private continuation(history: TokenHistory, room: number): TokenId[] {
    const repeated = this.own.longestRepeated();
    const ahead = history.tail(history.length - this.own.tokens.length);
    let own: Match = repeated;
    let inCorpus = this.inCorpus;
    for (const token of ahead) {
      own = this.own.advance(own, token);
      if (this.corpus) inCorpus = this.corpus.advance(inCorpus, token);
    }
    // The text's own past is the better guess when both know as much.
    if (this.corpus && inCorpus.length > own.length && inCorpus.length >= this.minMatch) {
      return this.corpus.following(inCorpus, room);
    }
    if (own.length < this.minMatch) return [];
    return this.own.following(own, room, ahead.length === 0 ? repeated.end : undefined);
  }
}

export const suffix: Method = {
  name: "suffix",
  summary: "suffix automaton: what followed the longest match in prompt, output and a corpus of yours",
  options: ["numSpeculativeTokens", "minMatch", "lookupCorpus"],
  available: () => true,
  create: ({ target, options }) => {
    const corpus = optionOf(options, "lookupCorpus");
    if (corpus && corpus.largest >= target.vocabLimit) {
      throw new UsageError(
        `lookupCorpus has token ${corpus.largest}, the target knows ${target.vocabLimit}: make it with the target's tokenizer`,
      );
    }
    const length = optionOf(options, "numSpeculativeTokens");
    return new SuffixDrafter(length, optionOf(options, "minMatch"), corpus?.automaton);
  },
};
