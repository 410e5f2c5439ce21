import { MedusaHeads } from "../../engine/medusa-heads.js";
import { Need } from "../../engine/rows.js";
import { fillDynamic, fillStatic, type LevelCandidates } from "../../trees/candidate-tree.js";
import { layOut, proposalNode } from "../../trees/proposal-tree.js";
import { UsageError } from "../../types/errors.js";
import type { DraftContext, Drafter, StepOutcome, StepPlan } from "../drafter.js";
import { optionOf } from "../options.js";
import type { Method } from "../registry.js";
import { TREE_OPTIONS, type TreePlan, treePlan, typicalAccuracies } from "../tree-options.js";

/**
 * Medusa (Cai et al. 2024): heads on the target's own hidden state, at the row that named the tree's root, guess the
 * tokens after it. Nothing is proposed before the first pass, which there is no hidden state for.
 */
export class MedusaDrafter implements Drafter {
  readonly name = "medusa";
  private hidden: Float32Array | undefined;

  constructor(
    private readonly heads: MedusaHeads,
    private readonly plan: TreePlan,
  ) {}

  async begin(): Promise<void> {}

  async propose(context: DraftContext, budget: number): Promise<StepPlan> {
    const { history, maxDepth } = context;
    const root = proposalNode(history.at(history.length - 1));
    const limits = { depth: maxDepth, budget };
    if (this.hidden && maxDepth > 0 && budget > 0) growTree(root, this.levels(context), this.plan, limits);
    return { tree: layOut(root, this.name).tree, needsOfLast: Need.hidden };
  }

  observe({ last, result, request }: StepOutcome): void {
    this.hidden ??= new Float32Array(result.hidden(last, request).length);
    this.hidden.set(result.hidden(last, request));
  }

  fork(): Drafter {
    const copy = new MedusaDrafter(this.heads, this.plan);
    copy.hidden = this.hidden?.slice();
    return copy;
  }

  dispose(): void {}

  private levels(context: DraftContext): LevelCandidates[] {
    return headLevels(this.heads, this.hidden!, context, [], this.plan.shape.width);
  }
}

/** Candidates of every head. A sampled request meets the noise of each head's position, as the target will. */
export function headLevels(
  heads: MedusaHeads,
  hidden: Float32Array,
  { history, sampler, coupling }: DraftContext,
  above: readonly number[],
  width: number,
): LevelCandidates[] {
  if (!sampler.needsLogits(history.newTokens + above.length) || coupling !== "gumbel") return heads.top(hidden);
  return history.along(above, () => {
    const levels: LevelCandidates[] = [];
    for (const row of heads.logits(hidden)) {
      const ids = sampler.chooseTop(row, history, width);
      if (ids.length === 0) break;
      levels.push({ ids });
      history.push(ids[0]);
    }
    for (const _ of levels) history.pop();
    return levels;
  });
}

/** Grows the plan's tree: dynamic where probabilities are known. */
export function growTree(
  leaf: Parameters<typeof fillStatic>[0],
  levels: readonly LevelCandidates[],
  { shape, dynamicNodes, ranks }: TreePlan,
  limits: { depth: number; budget: number },
): void {
  if (dynamicNodes === undefined || !levels[0]?.probabilities) fillStatic(leaf, levels, shape, limits);
  else fillDynamic(leaf, levels, { ...limits, budget: Math.min(limits.budget, dynamicNodes) }, ranks);
}

export const medusa: Method = {
  name: "medusa",
  summary: "Medusa heads on the target's hidden state fill a tree (needs heads)",
  options: ["heads", ...TREE_OPTIONS],
  rank: 20,
  available: ({ options }) => options.heads instanceof MedusaHeads,
  create: ({ target, options }) => {
    const heads = optionOf(options, "heads");
    if (!(heads instanceof MedusaHeads)) {
      const given = heads ? "the heads given are EAGLE's" : "generate with a MedusaModel, or give --heads";
      throw new UsageError(`method "medusa" needs heads: ${given}`);
    }
    if (heads.options.hiddenSize !== target.config.hiddenSize) {
      throw new UsageError(
        `the heads read hidden states of ${heads.options.hiddenSize}, the target's have ${target.config.hiddenSize}: they belong to another model`,
      );
    }
    const accuracies = heads.options.accuracies ?? typicalAccuracies(heads.count);
    return new MedusaDrafter(heads, treePlan(options, accuracies, heads.topCount));
  },
};
