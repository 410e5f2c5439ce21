import type { TokenHistory } from "../../sampling/history.js";
import { chain } from "../../trees/token-tree.js";
import { UsageError } from "../../types/errors.js";
import type { TokenId } from "../../types/token.js";
import type { DraftContext, Drafter, StepPlan } from "../drafter.js";
import { optionOf } from "../options.js";
import type { Method } from "../registry.js";

export interface NgramOptions {
  /** Longest and shortest n-gram that is looked for. */
  maxNgram: number;
  minNgram: number;
  /** Most tokens proposed in a step. */
  length: number;
  /** Which of several places is continued: the latest, or one that goes on with the most frequent next token. */
  match: "latest" | "frequent";
}

/**
 * Prompt lookup (Saxena 2023; vLLM's n-gram proposer): finds the last n tokens earlier in prompt and output, the longest
 * n first, and proposes what followed there. Needs no model and keeps no state.
 */
export class NgramDrafter implements Drafter {
  readonly name = "ngram";
  readonly free = true;

  constructor(private readonly options: NgramOptions) {}

  async begin(): Promise<void> {}

  async propose({ history, maxDepth }: DraftContext, budget: number): Promise<StepPlan> {
    const room = Math.min(this.options.length, maxDepth, budget);
    const { tokens, matched } = room > 0 ? this.continuation(history, room) : NOTHING;
    return { tree: chain(history.at(history.length - 1), tokens, this.name), grade: matched };
  }

  observe(): void {}

  fork(): Drafter {
    return new NgramDrafter(this.options);
  }

  dispose(): void {}

  private continuation(text: TokenHistory, room: number): { tokens: TokenId[]; matched: number } {
    for (let n = this.options.maxNgram; n >= this.options.minNgram; n--) {
      const after = this.options.match === "latest" ? latest(text, n) : mostFrequent(text, n);
      if (after === undefined) continue;
      const length = Math.min(room, text.length - after);
      return { tokens: Array.from({ length }, (_, i) => text.at(after + i)), matched: n };
    }
    return NOTHING;
  }
}

const NOTHING = { tokens: [], matched: 0 };

/** Where the text goes on after the latest earlier place of its last n tokens. */
function latest(text: TokenHistory, n: number): number | undefined {
  for (let end = text.length - 1; end >= n; end--) if (matches(text, end, n)) return end;
  return undefined;
}

/** Of the places where the text goes on after its last n tokens, the latest that goes on with the most frequent token. */
function mostFrequent(text: TokenHistory, n: number): number | undefined {
  const counts = new Map<TokenId, number>();
  let best: number | undefined;
  for (let end = n; end < text.length; end++) {
    if (!matches(text, end, n)) continue;
    const count = (counts.get(text.at(end)) ?? 0) + 1;
    counts.set(text.at(end), count);
    if (best === undefined || count >= counts.get(text.at(best))!) best = end;
  }
  return best;
}

/** Whether the n tokens before `end` are the text's last n. */
function matches(text: TokenHistory, end: number, n: number): boolean {
  for (let i = 1; i <= n; i++) if (text.at(end - i) !== text.at(text.length - i)) return false;
  return true;
}

export const ngram: Method = {
  name: "ngram",
  summary: "prompt lookup: what followed the same words earlier in prompt and output",
  options: ["numSpeculativeTokens", "maxNgram", "minNgram", "match"],
  rank: 10,
  available: () => true,
  create: ({ options }) => {
    const maxNgram = optionOf(options, "maxNgram");
    const minNgram = optionOf(options, "minNgram");
    if (minNgram > maxNgram) throw new UsageError(`minNgram ${minNgram} is larger than maxNgram ${maxNgram}`);
    const match = optionOf(options, "match");
    const length = optionOf(options, "numSpeculativeTokens");
    return new NgramDrafter({ maxNgram, minNgram, length, match });
  },
};
