import { MappedRows } from "../engine/mapped-rows.js";
import { Need, type PassResult } from "../engine/rows.js";
import type { StepOutcome, StepPlan } from "../methods/drafter.js";
import type { LogProbs } from "../sampling/log-probability.js";
import type { TokenTree } from "../trees/token-tree.js";
import type { TokenId } from "../types/token.js";
import type { Verdict } from "../verification/verifier.js";
import { TARGET } from "./stats.js";

/** Most candidate tokens in a step's tree: the rows that the engine keeps spare slots for are 256. */
const MAX_CANDIDATES = 128;

/**
 * Tokens that almost surely come next, and who proposed them: a side branch of the last step said so. They are the first
 * path of the next step's tree, where rows are exact (docs/exactness.md); drafters take them for certain.
 */
export interface Stem {
  readonly tokens: readonly TokenId[];
  readonly sources: readonly string[];
}

export const NO_STEM: Stem = { tokens: [], sources: [] };

/** What a step may propose below its stem. */
export interface Limits {
  stem: Stem;
  /** Deepest candidate that could still be committed, the bonus token counted. */
  maxDepth: number;
  /** Most candidates. */
  budget: number;
}

/** @param room tokens that the output, or the context, can still take */
export function limitsOf(room: number, stem: Stem): Limits {
  const deepest = Math.max(0, room - 1);
  const kept = stem.tokens.length <= deepest ? stem : { ...stem, tokens: stem.tokens.slice(0, deepest) };
  const known = kept.tokens.length;
  return { stem: kept, maxDepth: deepest - known, budget: deepest > 0 ? MAX_CANDIDATES - known : 0 };
}

/** A drafter's plan, proposed behind the stem, as the plan of the whole step, whose tree begins at `root`. */
export function graft(plan: StepPlan, root: TokenId, { tokens, sources }: Stem): StepPlan {
  const known = tokens.length;
  if (known === 0) return plan;
  const { tree, extra, needs } = plan;
  const onStem = <T>(value: T) => new Array<T>(known).fill(value);
  const { draftDistributions } = tree;
  return {
    ...plan,
    tree: {
      tokens: [root, ...tokens, ...tree.tokens.slice(1)],
      parents: [-1, ...tokens.map((_, i) => i), ...tree.parents.slice(1).map((parent) => parent + known)],
      draftDistributions: draftDistributions && [...onStem(undefined), ...draftDistributions],
      sources: [undefined, ...sources.slice(0, known), ...tree.tokens.slice(1).map((_, i) => tree.sources?.[i + 1])],
    },
    extra: extra && { tokens: extra.tokens, parents: extra.parents.map((parent) => parent + known) },
    needs: needs && [...onStem<number>(Need.nothing), ...needs],
  };
}

/** A plan's rows for the pass. @param verified what verification reads of each row of the tree: flags of Need */
export function rowsOf({ tree, extra, needs, needsOfLast = Need.nothing }: StepPlan, verified: number) {
  const tokens = extra ? [...tree.tokens, ...extra.tokens] : tree.tokens;
  const parents = extra ? [...tree.parents, ...extra.parents] : tree.parents;
  const nodes = tree.tokens.length;
  const all = tokens.map((_, i) => (i < nodes ? verified | needsOfLast : Need.nothing) | (needs?.[i] ?? Need.nothing));
  return { tokens, parents, needs: all };
}

/** What came of a step. */
export interface Settled {
  /** Committed tokens, in order, and who proposed them. */
  tokens: TokenId[];
  sources: string[];
  /** Nodes found right, the root first, those on a side branch included. */
  right: number[];
  /** What begins the next step. */
  stem: Stem;
}

/**
 * What a verdict means for the output.
 * @param tree the whole step's
 * @param drafter the name of nodes without a source
 */
export function settle(tree: TokenTree, { path, next, foreseen }: Verdict, drafter: string): Settled {
  const sourceOf = (node: number) => tree.sources?.[node] ?? drafter;
  const tokens = path.slice(1).map((node) => tree.tokens[node]);
  const sources = path.slice(1).map(sourceOf);
  const side = foreseen?.path ?? [];
  if (next !== undefined) {
    tokens.push(next);
    sources.push(side.length > 0 ? sourceOf(side[0]) : TARGET);
  }
  const stem = foreseen ? { tokens: foreseen.tokens, sources: [...side.slice(1).map(sourceOf), TARGET] } : NO_STEM;
  return { tokens, sources, right: side.length > 0 ? [...path, ...side] : path, stem };
}

/**
 * The outcome as the drafter sees it, which proposed behind the stem.
 * @param plan the drafter's own
 * @param known length of the stem
 * @param root place in the text of the whole step's root
 * @param place of the sequence in the pass
 */
export function outcomeOf(
  plan: StepPlan,
  { known, root }: { known: number; root: number },
  settled: Settled,
  result: PassResult,
  place: number,
): StepOutcome {
  const { right, tokens: committed } = settled;
  const last = right[right.length - 1];
  if (known === 0) {
    return { committed, path: right, last, right: { place: root, rows: right }, result, request: place };
  }
  const rows = plan.tree.tokens.length + (plan.extra?.tokens.length ?? 0);
  const path = right.filter((node) => node >= known).map((node) => node - known);
  // Rows of the stem are none of the drafter's: where they are right they stand behind its own.
  const numbers = right.map((node, i) => (node < known ? rows + i : node - known));
  const own = new MappedRows(result, (row) => (row < rows ? row + known : right[row - rows]));
  const all = { place: root, rows: numbers };
  return { committed, path, last: numbers[numbers.length - 1], right: all, result: own, request: place };
}

/** What a run proposes in a step. */
export interface Step {
  limits: Limits;
  /** The drafter's own plan. */
  own: StepPlan;
  /** The whole step's: the drafter's, behind what was foreseen. */
  plan: StepPlan;
}

/** What the target made of it. */
export interface Judged {
  verdict: Verdict;
  settled: Settled;
  logProbs: LogProbs[];
}

/** A run's share of the time that a step took, in milliseconds. */
export interface StepTimes {
  draftMs: number;
  targetMs: number;
}
