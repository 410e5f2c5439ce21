import { lengthOf } from "../engine/check-rows.js";
import { ALL_NEEDS } from "../engine/rows.js";
import { shown } from "../types/shown.js";
import type { TokenId } from "../types/token.js";
import type { StepPlan } from "./drafter.js";

/** Rows that a plan may add to a sequence: the engine keeps 256 slots beyond the context, one of them for a lone row. */
const MAX_ROWS = 255;

export interface PlanLimits {
  vocabSize: number;
  /** Most ids that a row can rank. */
  vocabLimit: number;
}

/**
 * What is wrong with a plan, in words, or undefined: whatever would make a pass fail, or its verdict wrong. What only
 * wastes rows (a tree too deep, equal siblings) is let through.
 * @param root the last token of the history
 */
export function planFlaw(plan: StepPlan, root: TokenId, { vocabSize, vocabLimit }: PlanLimits): string | undefined {
  if (typeof plan !== "object" || plan === null || typeof plan.tree !== "object" || plan.tree === null) {
    return `its plan is ${shown(plan)}, expected { tree: { tokens, parents } }`;
  }
  const { tree, extra, needs, needsOfLast = 0, topK = 1 } = plan;
  const nodes = lengthOf(tree.tokens);
  if (!(nodes > 0)) return "its tree has no nodes, expected the last committed token as its root";
  if (tree.tokens[0] !== root) {
    return `the root of its tree is ${shown(tree.tokens[0])}, expected ${root}, the last token of the history`;
  }
  if (lengthOf(tree.parents) !== nodes)
    return `its tree has ${nodes} tokens and ${shown(lengthOf(tree.parents))} parents`;
  if (tree.parents[0] !== -1) return `the root of its tree has parent ${shown(tree.parents[0])}, expected -1`;
  const inTree = rowsFlaw("node", tree.tokens, tree.parents, 0, vocabSize);
  if (inTree !== undefined) return inTree;
  const { draftDistributions } = tree;
  if (draftDistributions !== undefined && lengthOf(draftDistributions) !== nodes) {
    return "its draftDistributions are not one for each node";
  }
  let rows = nodes;
  if (extra !== undefined) {
    const count = lengthOf(extra?.tokens);
    if (!(count >= 0 && lengthOf(extra.parents) === count)) return "its extra rows and their parents differ in number";
    const flaw = rowsFlaw("extra row", extra.tokens, extra.parents, nodes, vocabSize);
    if (flaw !== undefined) return flaw;
    rows += count;
  }
  if (rows > MAX_ROWS) return `its plan has ${rows} rows, at most ${MAX_ROWS} fit: keep to the budget`;
  if (needs !== undefined && lengthOf(needs) !== rows) {
    return `its plan has ${rows} rows and ${shown(lengthOf(needs))} needs, expected one for each row`;
  }
  if (!isNeed(needsOfLast) || needs?.some((need) => !isNeed(need))) return "its needs are no flags of Need added up";
  if (!(Number.isInteger(topK) && topK >= 1 && topK <= vocabLimit)) {
    return `its topK is ${shown(topK)}, expected an integer from 1 to ${vocabLimit}`;
  }
  return undefined;
}

/** @param before rows that stand before these; the first of all is the root, which has no parent */
function rowsFlaw(
  what: string,
  tokens: readonly TokenId[],
  parents: readonly number[],
  before: number,
  vocabSize: number,
): string | undefined {
  for (let i = before === 0 ? 1 : 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (!(Number.isInteger(token) && token >= 0 && token < vocabSize)) {
      return `${what} ${i} has the token ${shown(token)}, expected an id below ${vocabSize}`;
    }
    const parent = parents[i];
    if (!(Number.isInteger(parent) && parent >= 0 && parent < before + i)) {
      return `${what} ${i} has parent ${shown(parent)}, expected a row that stands before it`;
    }
  }
  return undefined;
}

/** Whether it is flags of Need, added up. */
export function isNeed(need: number): boolean {
  return Number.isInteger(need) && need >= 0 && need <= ALL_NEEDS;
}
