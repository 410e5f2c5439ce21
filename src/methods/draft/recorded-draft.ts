import type { CausalLM } from "../../engine/causal-lm.js";
import { readText } from "../../engine/read-text.js";
import { Need, type PassResult } from "../../engine/rows.js";
import { TokenHistory } from "../../sampling/history.js";
import { logProbability } from "../../sampling/log-probability.js";
import { layOut, type ProposalNode, proposalNode } from "../../trees/proposal-tree.js";
import type { TokenId } from "../../types/token.js";
import type { DraftContext, Drafter, KnownText, StepOutcome, StepPlan } from "../drafter.js";
import type { DraftLengthPolicy } from "./draft-length.js";

/** What a draft proposes after one token of a text, likeliest first (sampled: by the request's noise). */
interface Candidates {
  ids: readonly TokenId[];
  probabilities: readonly number[];
}

/**
 * A draft model in a replay. Along the text it proposes what it would have proposed; below a wrong token, where its
 * candidates are not known and nothing can be accepted, it puts nodes of no token, so that trees keep their size.
 */
export class RecordedDraftDrafter implements Drafter {
  private depth = 0;

  private constructor(
    readonly name: string,
    private readonly text: KnownText,
    private readonly candidates: readonly Candidates[],
    private readonly options: { contextLength: number; policy: DraftLengthPolicy; widths: readonly number[] },
  ) {}

  static async read(
    name: string,
    model: CausalLM,
    text: KnownText,
    options: { policy: DraftLengthPolicy; widths: readonly number[] },
  ): Promise<RecordedDraftDrafter> {
    const candidates = await candidatesOf(model, text, Math.max(...options.widths));
    return new RecordedDraftDrafter(name, text, candidates, { ...options, contextLength: model.contextLength });
  }

  async begin(): Promise<void> {}

  async propose({ history, maxDepth }: DraftContext, budget: number): Promise<StepPlan> {
    const { policy, widths, contextLength } = this.options;
    this.depth = Math.max(0, Math.min(policy.length, maxDepth, contextLength - history.length));
    const root = proposalNode(history.at(history.length - 1));
    let left = budget;
    let frontier = [{ node: root, place: history.length - 1 }];
    for (let level = 0; level < this.depth && left > 0; level++) {
      const width = widths[Math.min(level, widths.length - 1)];
      frontier = frontier.flatMap(({ node, place }) => {
        const added = this.addChildren(node, place, Math.min(width, left));
        left -= added.length;
        return added.filter(({ probability }) => policy.proceed(probability));
      });
    }
    return { tree: layOut(root, this.name).tree };
  }

  observe({ path }: StepOutcome): void {
    this.options.policy.observe(this.depth, Math.max(0, path.length - 1));
  }

  fork(): Drafter {
    const options = { ...this.options, policy: this.options.policy.copy() };
    return new RecordedDraftDrafter(this.name, this.text, this.candidates, options);
  }

  dispose(): void {}

  /** @param place of the node's token in the text; -1 off the text */
  private addChildren(node: ProposalNode, place: number, width: number) {
    const { ids, probabilities } = this.candidates[place] ?? { ids: [], probabilities: [] };
    const next = place < 0 ? undefined : this.text.tokens[place + 1];
    return Array.from({ length: width }, (_, rank) => {
      const token = ids[rank] ?? -2 - rank;
      const child = proposalNode(token, node);
      return { node: child, place: token === next ? place + 1 : -1, probability: probabilities[rank] ?? 1 };
    });
  }
}

const recorded = new WeakMap<KnownText, WeakMap<CausalLM, Map<number, Promise<Candidates[]>>>>();

/** Reads a text once for every model and width. */
function candidatesOf(model: CausalLM, text: KnownText, width: number): Promise<Candidates[]> {
  const models = recorded.get(text) ?? new WeakMap<CausalLM, Map<number, Promise<Candidates[]>>>();
  recorded.set(text, models);
  const widths = models.get(model) ?? new Map<number, Promise<Candidates[]>>();
  models.set(model, widths);
  const found = widths.get(width) ?? read(model, text, width);
  widths.set(width, found);
  return found;
}

async function read(model: CausalLM, { tokens, promptLength, sampler }: KnownText, width: number) {
  const history = new TokenHistory(tokens.slice(0, promptLength));
  const candidates: Candidates[] = [];
  const candidatesAt = (result: PassResult, row: number): Candidates => {
    if (!sampler.needsLogits(history.newTokens)) {
      const { ids, logits } = result.top(row);
      const total = result.logSumExp(row);
      return { ids, probabilities: Array.from(logits, (logit) => Math.exp(logit - total)) };
    }
    const logits = result.logits(row);
    const ids = sampler.chooseTop(logits, history, width);
    return { ids, probabilities: ids.map((id) => Math.exp(logProbability(logits, id, model.vocabLimit))) };
  };
  const logits = sampler.needsLogits(0) || sampler.needsLogits(tokens.length) ? Need.logits : Need.nothing;
  const inPrompt = (place: number) => place < promptLength - 1;
  await readText(
    model,
    tokens.slice(0, model.contextLength),
    (place) => (inPrompt(place) ? Need.nothing : Need.top | Need.logSumExp | logits),
    (result, row, place) => {
      if (place >= promptLength) history.push(tokens[place]);
      candidates.push(inPrompt(place) ? { ids: [], probabilities: [] } : candidatesAt(result, row));
    },
    { k: width },
  );
  return candidates;
}
