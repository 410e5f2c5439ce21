import { childrenOf, type TokenTree } from "../../trees/token-tree.js";

/** Probabilities are told apart by their log odds, in steps of one around even odds; those beyond count to the last ones. */
const STEPS = 10;
/** Candidates are told apart by their ranks, the last one and those beyond it together. */
const RANKS = 3;
/** What is thought before anything was seen: worth so many candidates, of whose probability so much comes true. */
const PRIOR = 4;
const TRUST = 0.9;
/** Weight of what was before in the running sums. */
const MEMORY = 0.995;

/**
 * What a drafter's own probabilities are worth: how often candidates of such a probability and rank came true. A draft may be
 * too sure of itself; and where the target is greedy, its likeliest candidate comes true more often than it thinks, the
 * others less.
 */
export class Calibration {
  private readonly promised = sums((probability) => PRIOR * probability);
  private readonly right = sums((probability) => PRIOR * TRUST * probability);

  /** The chances of siblings to come true when their parent does; they fall. @param probabilities likeliest first */
  chances(probabilities: readonly number[]): number[] {
    let most = 1;
    return probabilities.map((probability, rank) => {
      const at = place(probability, rank);
      most = Math.min(most, Math.max(0, (probability * this.right[at]) / this.promised[at] || 0));
      return most;
    });
  }

  observe(probability: number, rank: number, isRight: boolean): void {
    if (!(probability >= 0)) return;
    const at = place(probability, rank);
    this.promised[at] = MEMORY * this.promised[at] + probability;
    this.right[at] = MEMORY * this.right[at] + (isRight ? 1 : 0);
  }
}

function place(probability: number, rank: number): number {
  const odds = Math.log(probability / Math.max(0, 1 - probability));
  const step = Math.max(0, Math.min(STEPS - 1, Math.floor(odds + (STEPS - 1) / 2) || 0));
  return Math.min(rank, RANKS - 1) * STEPS + step;
}

/** One for each step of each rank, from the step's middle. */
function sums(of: (probability: number) => number): Float64Array {
  const middle = (step: number) => 1 / (1 + Math.exp((STEPS - 2) / 2 - step));
  return Float64Array.from({ length: RANKS * STEPS }, (_, at) => of(middle(at % STEPS)));
}

/** Of each node of a tree the chance that it and all above it come true, the root's 1. Siblings stand likeliest first. */
export function chancesOf(tree: TokenTree, probabilities: readonly number[], calibration: Calibration): number[] {
  const chances = [1];
  for (let node = 0; node < tree.tokens.length; node++) {
    const children = childrenOf(tree, node);
    const own = calibration.chances(children.map((child) => probabilities[child]));
    for (const [rank, child] of children.entries()) chances[child] = chances[node] * own[rank];
  }
  return chances;
}

/** Shows how far a proposal was right. @param path its nodes that came true, the root first */
export function calibrate(
  calibration: Calibration,
  tree: TokenTree,
  probabilities: readonly number[],
  path: readonly number[],
): void {
  for (const [depth, node] of path.entries()) {
    for (const [rank, child] of childrenOf(tree, node).entries()) {
      calibration.observe(probabilities[child], rank, child === path[depth + 1]);
    }
  }
}
