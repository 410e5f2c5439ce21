import { Need } from "../../engine/rows.js";
import { layOut, proposalNode } from "../../trees/proposal-tree.js";
import type { RankTree } from "../../trees/rank-tree.js";
import type { TokenTree } from "../../trees/token-tree.js";
import { treeOf } from "../../trees/tree-presets.js";
import { searchTree } from "../../trees/tree-search.js";
import { UsageError } from "../../types/errors.js";
import type { DraftContext, Drafter, StepOutcome, StepPlan } from "../drafter.js";
import { type MethodOptions, optionOf } from "../options.js";
import type { Method } from "../registry.js";
import { SuccessorMemory } from "./successor-memory.js";

/**
 * Token recycling (Luo et al. 2024): what the target named as likely successors of a token, in rows that were read
 * anyway, fills a static tree the next time the token comes. No model, no training; better the longer it runs.
 */
export class RecyclingDrafter implements Drafter {
  readonly name = "recycling";
  private tree: TokenTree = { tokens: [], parents: [] };

  constructor(
    private readonly memory: SuccessorMemory,
    private readonly shape: RankTree,
  ) {}

  async begin(): Promise<void> {}

  async propose({ history, maxDepth }: DraftContext, budget: number): Promise<StepPlan> {
    const root = proposalNode(history.at(history.length - 1));
    this.shape.fill(root, { depth: maxDepth, budget }, (parent, rank) => this.memory.successor(parent.token, rank));
    this.tree = layOut(root, this.name).tree;
    const needs = this.tree.tokens.map(() => Need.top);
    return { tree: this.tree, needs, topK: this.memory.width };
  }

  observe({ result, request }: StepOutcome): void {
    // Backwards: where a token stands several times, its first row, which depends on the fewest guesses, has the last word.
    for (let row = this.tree.tokens.length - 1; row >= 0; row--) {
      this.memory.remember(this.tree.tokens[row], result.top(row, request).ids);
    }
  }

  fork(): Drafter {
    return new RecyclingDrafter(this.memory, this.shape);
  }

  dispose(): void {}
}

/**
 * How often a successor of each rank was right, on the embedded model: a little less with every level, because rows
 * further down were read after other texts.
 */
const ACCURACIES = [0.35, 0.12, 0.07, 0.05, 0.04, 0.03, 0.02, 0.02];
const LEVELS = 6;

export const recycling: Method = {
  name: "recycling",
  summary: "token recycling: successors that the target named before, in a static tree",
  options: ["treeNodes", "treeChoices", "successors"],
  available: () => true,
  create: ({ target, options }) => new RecyclingDrafter(memoryOf(target.vocabLimit, options), shapeOf(options)),
};

function memoryOf(vocabSize: number, options: MethodOptions): SuccessorMemory {
  const successors = optionOf(options, "successors");
  if (successors === undefined) return new SuccessorMemory(vocabSize);
  if (successors.vocabSize === vocabSize) return successors;
  throw new UsageError(
    `successors is for a vocabulary of ${successors.vocabSize} tokens, the target has ${vocabSize}: make another`,
  );
}

function shapeOf(options: MethodOptions): RankTree {
  const treeChoices = optionOf(options, "treeChoices");
  if (treeChoices !== undefined) {
    if (options.treeNodes === undefined) return treeOf(treeChoices);
    throw new UsageError("treeChoices says what the tree is: leave out treeNodes");
  }
  const accuracies = Array.from({ length: LEVELS }, () => ACCURACIES);
  return searchTree(accuracies, optionOf(options, "treeNodes"));
}
