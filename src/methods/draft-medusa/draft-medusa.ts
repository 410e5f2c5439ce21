import type { CausalLM } from "../../engine/causal-lm.js";
import type { MedusaHeads } from "../../engine/medusa-heads.js";
import { Need, type PassResult } from "../../engine/rows.js";
import { assertSameTokenizer } from "../../tokenizer/same-vocabulary.js";
import type { LevelCandidates } from "../../trees/candidate-tree.js";
import { layOut, probabilitiesOf, proposalNode } from "../../trees/proposal-tree.js";
import { UsageError } from "../../types/errors.js";
import type { TokenId } from "../../types/token.js";
import { DraftSequence } from "../draft/draft-sequence.js";
import type { DraftContext, DraftExhausted, Drafter, StepPlan } from "../drafter.js";
import { growTree, headLevels, sampledLevel } from "../medusa/medusa.js";
import type { Method } from "../registry.js";
import { TREE_OPTIONS, type TreePlan, treePlan, typicalAccuracies } from "../tree-options.js";

/**
 * A Medusa model drafts for a larger target: one pass of the draft over what is new gives its own candidates for the
 * next token and its heads' candidates for those after it, a whole tree.
 */
export class DraftMedusaDrafter implements Drafter {
  readonly name = "draft-medusa";
  /** Set when the draft's context is full: nothing is drafted from there on. */
  exhausted: DraftExhausted | undefined;
  private readonly sequence: DraftSequence;

  constructor(
    private readonly model: CausalLM,
    private readonly heads: MedusaHeads,
    private readonly plan: TreePlan,
    sequence?: DraftSequence,
  ) {
    this.sequence = sequence ?? new DraftSequence(model);
  }

  readPrompt(tokens: readonly TokenId[], signal?: AbortSignal): Promise<void> {
    return this.sequence.readPrompt(tokens, signal);
  }

  async begin(): Promise<void> {}

  propose(context: DraftContext, budget: number): Promise<StepPlan> {
    return this.sequence.step(async () => {
      const { history, maxDepth } = context;
      const root = proposalNode(history.at(history.length - 1));
      const fits = this.sequence.roomAfter(history.length) >= 0;
      const { contextLength } = this.model;
      if (!fits && maxDepth > 0) this.exhausted ??= { at: history.length, contextLength };
      if (fits && maxDepth > 0 && budget > 0) {
        const limits = { depth: maxDepth, budget };
        growTree(root, await this.levels(context), this.plan, limits, context.guidance);
      }
      const { tree, nodes } = layOut(root, this.name);
      return { tree, probabilities: probabilitiesOf(nodes) };
    });
  }

  observe(): void {}

  fork(): Drafter {
    return new DraftMedusaDrafter(this.model, this.heads, this.plan, new DraftSequence(this.model, this.sequence));
  }

  dispose(): void {
    this.sequence.dispose();
  }

  /** Candidates for the tokens after the text, read where the draft stands behind. */
  private async levels(context: DraftContext): Promise<LevelCandidates[]> {
    const { heads, sequence } = this;
    const { history, sampler, signal } = context;
    const behind = await sequence.catchUp(history, signal);
    const sampled = sampler.needsLogits(history.newTokens) && context.coupling === "gumbel";
    const need = Need.hidden | (sampled ? Need.logits : Need.top | Need.logSumExp);
    const { width } = this.plan.shape;
    const read = (result: PassResult, last: number): LevelCandidates[] => {
      const hidden = result.hidden(last);
      if (sampled) {
        const own = sampledLevel(result.logits(last), context, width);
        return own ? [own, ...headLevels(heads, hidden, context, [own.ids[0]], width)] : [];
      }
      const { ids, logits } = result.top(last);
      const total = result.logSumExp(last);
      const probabilities = Array.from(logits, (logit) => Math.exp(logit - total));
      return [{ ids, probabilities }, ...heads.top(hidden)];
    };
    return sequence.extend(behind, need, read, { k: heads.topCount, signal });
  }
}

export const draftMedusa: Method = {
  name: "draft-medusa",
  summary: "a smaller Medusa model drafts a tree in one pass of its own (needs a MedusaModel as the draft)",
  options: [...TREE_OPTIONS],
  rank: 40,
  available: ({ assistantHeads, assistantTokenizer }) => assistantHeads !== undefined && !assistantTokenizer,
  create: ({ assistant, assistantHeads, tokenizer, assistantTokenizer, options }) => {
    if (!assistant || !assistantHeads) {
      throw new UsageError(
        'method "draft-medusa" needs a MedusaModel as the assistantModel, or --draft-model with --draft-heads',
      );
    }
    if (tokenizer && assistantTokenizer) assertSameTokenizer(tokenizer, assistantTokenizer);
    const heads = assistantHeads.options.accuracies ?? typicalAccuracies(assistantHeads.count);
    // The draft's own next token is right about as often as a good first head.
    const accuracies = [typicalAccuracies(1)[0], ...heads];
    return new DraftMedusaDrafter(assistant, assistantHeads, treePlan(options, accuracies, assistantHeads.topCount));
  },
};
