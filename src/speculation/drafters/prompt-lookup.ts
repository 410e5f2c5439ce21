import type { TokenHistory } from "../../sampling/history.js";
import { UsageError } from "../../types/errors.js";
import type { TokenId } from "../../types/token.js";
import type { DraftContext, Drafter, StepPlan } from "../drafter.js";
import { choiceOption, integerOption } from "../options.js";
import type { Method } from "../registry.js";
import { chain } from "../trees/token-tree.js";

export interface PromptLookupOptions {
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
export class PromptLookupDrafter implements Drafter {
  readonly name = "ngram";

  constructor(private readonly options: PromptLookupOptions) {}

  async begin(): Promise<void> {}

  async propose({ history, foreseen, maxDepth }: DraftContext, budget: number): Promise<StepPlan> {
    const known = foreseen.length;
    const room = Math.min(this.options.length, maxDepth - known, budget - known);
    const text = new Text(history, foreseen);
    const found = room > 0 ? this.continuation(text, room) : [];
    return { tree: chain(history.at(history.length - 1), [...foreseen, ...found], this.name) };
  }

  observe(): void {}

  fork(): Drafter {
    return new PromptLookupDrafter(this.options);
  }

  dispose(): void {}

  private continuation(text: Text, room: number): TokenId[] {
    for (let n = this.options.maxNgram; n >= this.options.minNgram; n--) {
      const after = this.options.match === "latest" ? text.latest(n) : text.mostFrequent(n);
      if (after !== undefined) return text.slice(after, after + room);
    }
    return [];
  }
}

/** Prompt, output and foreseen tokens as one text. */
class Text {
  private readonly length: number;

  constructor(
    private readonly history: TokenHistory,
    private readonly foreseen: readonly TokenId[],
  ) {
    this.length = history.length + foreseen.length;
  }

  slice(start: number, end: number): TokenId[] {
    const tokens: TokenId[] = [];
    for (let i = start; i < Math.min(end, this.length); i++) tokens.push(this.at(i));
    return tokens;
  }

  /** Where the text goes on after the latest earlier place of its last n tokens. */
  latest(n: number): number | undefined {
    for (let end = this.length - 1; end >= n; end--) if (this.matches(end, n)) return end;
    return undefined;
  }

  /** The same, at the latest of those places that go on with the most frequent token. */
  mostFrequent(n: number): number | undefined {
    const counts = new Map<TokenId, number>();
    let best: number | undefined;
    for (let end = n; end < this.length; end++) {
      if (!this.matches(end, n)) continue;
      const count = (counts.get(this.at(end)) ?? 0) + 1;
      counts.set(this.at(end), count);
      if (best === undefined || count >= counts.get(this.at(best))!) best = end;
    }
    return best;
  }

  /** Whether the n tokens before `end` are the text's last n. */
  private matches(end: number, n: number): boolean {
    for (let i = 1; i <= n; i++) if (this.at(end - i) !== this.at(this.length - i)) return false;
    return true;
  }

  private at(index: number): TokenId {
    const committed = this.history.length;
    return index < committed ? this.history.at(index) : this.foreseen[index - committed];
  }
}

export const promptLookup: Method = {
  name: "ngram",
  summary: "prompt lookup: what followed the same words earlier in prompt and output",
  options: ["numSpeculativeTokens", "maxNgram", "minNgram", "match"],
  available: () => true,
  create: ({ options }) => {
    const maxNgram = integerOption(options, "maxNgram", 3, 1, 32);
    const minNgram = integerOption(options, "minNgram", 1, 1, 32);
    if (minNgram > maxNgram) throw new UsageError(`minNgram ${minNgram} is larger than maxNgram ${maxNgram}`);
    const match = choiceOption(options, "match", ["latest", "frequent"]);
    const length = integerOption(options, "numSpeculativeTokens", 4, 1, 64);
    return new PromptLookupDrafter({ maxNgram, minNgram, length, match });
  },
};
