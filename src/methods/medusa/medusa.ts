import { MedusaHeads } from "../../engine/medusa-heads.js";
import { Need } from "../../engine/rows.js";
import { fillDynamic, fillStatic, type LevelCandidates } from "../../trees/candidate-tree.js";
import { layOut, probabilitiesOf, proposalNode } from "../../trees/proposal-tree.js";
import { UsageError } from "../../types/errors.js";
import type { DraftContext, Drafter, Guidance, StepOutcome, StepPlan } from "../drafter.js";
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
    if (this.hidden && maxDepth > 0 && budget > 0) {
      growTree(root, this.levels(context), this.plan, limits, context.guidance);
    }
    const { tree, nodes } = layOut(root, this.name);
    return { tree, needsOfLast: Need.hidden, probabilities: probabilitiesOf(nodes) };
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

/** Candidates that a sampled row's probabilities are shared out among. */
const SHARED = 10;

/** Candidates of every head. A sampled request meets the noise of each head's position, as the target will. */
export function headLevels(
  heads: MedusaHeads,
  hidden: Float32Array,
  context: DraftContext,
  above: readonly number[],
  width: number,
): LevelCandidates[] {
  const { history, sampler, coupling } = context;
  if (!sampler.needsLogits(history.newTokens + above.length) || coupling !== "gumbel") return heads.top(hidden);
  return history.along(above, () => {
    const levels: LevelCandidates[] = [];
    for (const row of heads.logits(hidden)) {
      const level = sampledLevel(row, context, width);
      if (!level) break;
      levels.push(level);
      history.push(level.ids[0]);
    }
    for (const _ of levels) history.pop();
    return levels;
  });
}

/**
 * Candidates after the text, by the noise that the target will meet there; undefined where there are none. Were these
 * log-probabilities off by noise of that kind, the target would choose each candidate with the softmax of the scores.
 */
export function sampledLevel(
  logits: Float32Array,
  { history, sampler }: DraftContext,
  width: number,
): (LevelCandidates & { probabilities: readonly number[] }) | undefined {
  const scored = sampler.scoreTop(logits, history, Math.max(width, SHARED));
  if (scored.length === 0) return undefined;
  const powers = scored.map(({ score }) => Math.exp(score - scored[0].score));
  const sum = powers.reduce((a, b) => a + b, 0);
  return { ids: scored.map(({ id }) => id), probabilities: powers.map((power) => power / sum) };
}

/**
 * Grows the plan's tree: dynamic where probabilities are known.
 * @param guidance of a guard: then a tree that nobody chose is of the likeliest candidates
 */
export function growTree(
  leaf: Parameters<typeof fillStatic>[0],
  levels: readonly LevelCandidates[],
  { shape, nodes, dynamic, ranks }: TreePlan,
  limits: { depth: number; budget: number },
  guidance?: Guidance,
): void {
  const isDynamic = (dynamic ?? guidance !== undefined) && levels[0]?.probabilities;
  if (!isDynamic) {
    fillStatic(leaf, levels, shape, limits);
    return;
  }
  const weighed = levels.map((level) => ({
    ...level,
    chances: level.probabilities && guidance?.chances(level.probabilities),
  }));
  fillDynamic(leaf, weighed, { ...limits, budget: Math.min(limits.budget, nodes) }, ranks);
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
