import type { CausalLM } from "../../engine/causal-lm.js";
import type { MedusaHeads } from "../../engine/medusa-heads.js";
import { Need } from "../../engine/rows.js";
import type { Sequence } from "../../engine/sequence.js";
import { assertSameTokenizer } from "../../tokenizer/same-vocabulary.js";
import { UsageError } from "../../types/errors.js";
import type { TokenId } from "../../types/token.js";
import type { DraftContext, DraftExhausted, Drafter, StepPlan } from "../drafter.js";
import type { Method } from "../registry.js";
import type { LevelCandidates } from "../trees/candidate-tree.js";
import { layOut, proposalNode, stemOf } from "../trees/proposal-tree.js";
import { TREE_OPTIONS, type TreePlan, treePlan, typicalAccuracies } from "../trees/tree-options.js";
import { growTree, headLevels } from "./medusa.js";

/**
 * A Medusa model drafts for a larger target: one pass of the draft over what is new gives its own candidates for the
 * next token and its heads' candidates for those after it, a whole tree.
 */
export class DraftMedusaDrafter implements Drafter {
  readonly name = "draft-medusa";
  /** Set when the draft's context is full: nothing is drafted from there on. */
  exhausted: DraftExhausted | undefined;

  constructor(
    private readonly model: CausalLM,
    private readonly heads: MedusaHeads,
    private readonly plan: TreePlan,
    private ownSequence?: Sequence,
  ) {}

  private get sequence(): Sequence {
    this.ownSequence ??= this.model.newSequence();
    return this.ownSequence;
  }

  async begin(prompt: readonly TokenId[], signal?: AbortSignal): Promise<void> {
    if (prompt.length > this.model.contextLength) return;
    await this.model.prefill(this.sequence, prompt.slice(0, -1), { signal });
  }

  async propose(context: DraftContext, budget: number): Promise<StepPlan> {
    const { history, foreseen, maxDepth } = context;
    const root = proposalNode(history.at(history.length - 1));
    const leaf = stemOf(root, foreseen)[foreseen.length];
    const limits = { depth: maxDepth - foreseen.length, budget: budget - foreseen.length };
    const { contextLength } = this.model;
    const fits = history.length + foreseen.length <= contextLength;
    if (!fits && maxDepth > 0) this.exhausted ??= { at: history.length, contextLength };
    if (fits && limits.depth > 0 && limits.budget > 0) growTree(leaf, await this.levels(context), this.plan, limits);
    return { tree: layOut(root, this.name).tree };
  }

  observe(): void {}

  fork(): Drafter {
    return new DraftMedusaDrafter(this.model, this.heads, this.plan, this.sequence.fork());
  }

  dispose(): void {
    this.ownSequence?.dispose();
  }

  /** Reads what the draft is behind by, foreseen tokens too; keeps the committed ones. */
  private async levels(context: DraftContext): Promise<LevelCandidates[]> {
    const { sequence, heads } = this;
    const { history, foreseen, sampler, signal } = context;
    const behind = history.tail(history.length - sequence.length);
    const tokens = [...behind, ...foreseen];
    const sampled = sampler.needsLogits(history.newTokens + foreseen.length) && context.coupling === "gumbel";
    const need = Need.hidden | (sampled ? Need.logits : Need.top | Need.logSumExp);
    const last = tokens.length - 1;
    const { width } = this.plan.shape;
    const needs = tokens.map((_, i) => (i === last ? need : Need.nothing));
    const levels = await this.model.forward(
      [{ sequence, tokens, needs }],
      (result): LevelCandidates[] => {
        const hidden = result.hidden(last);
        if (sampled) {
          for (const token of foreseen) history.push(token);
          const ids = sampler.chooseTop(result.logits(last), history, width);
          for (const _ of foreseen) history.pop();
          if (ids.length === 0) return [];
          return [{ ids }, ...headLevels(heads, hidden, context, [...foreseen, ids[0]], width)];
        }
        const { ids, logits } = result.top(last);
        const total = result.logSumExp(last);
        const probabilities = Array.from(logits, (logit) => Math.exp(logit - total));
        return [{ ids, probabilities }, ...heads.top(hidden)];
      },
      { k: heads.topCount, signal },
    );
    sequence.commit(behind.map((_, i) => i));
    return levels;
  }
}

/** Nodes of the tree unless the user says otherwise. */
const NODES = 8;

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
    return new DraftMedusaDrafter(
      assistant,
      assistantHeads,
      treePlan(options, accuracies, assistantHeads.topCount, NODES),
    );
  },
};
