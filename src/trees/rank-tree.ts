import { UsageError } from "../types/errors.js";
import type { TokenId } from "../types/token.js";
import { type ProposalNode, proposalNode } from "./proposal-tree.js";

/** From the top down, the rank of each node among its parent's candidates: [1, 0] is the best child of the second best. */
export type RankPath = readonly number[];

/**
 * The shape of a static tree, as Medusa writes it: one path of ranks for each node, without the root ("choices").
 * Sorted by length, then lexicographically, so that parents stand before children and better ranks before worse.
 */
export class RankTree {
  readonly paths: readonly RankPath[];
  /** Index of each path's parent among the paths; -1 below the root. */
  readonly parents: readonly number[];
  readonly depth: number;
  /** One more than the largest rank. */
  readonly width: number;

  /** @throws UsageError for a missing parent, a duplicate, or a rank that is none */
  constructor(choices: readonly RankPath[]) {
    this.paths = checked(choices);
    const index = new Map(this.paths.map((path, i) => [path.join(), i]));
    this.parents = this.paths.map((path) => {
      if (path.length === 1) return -1;
      const parent = index.get(path.slice(0, -1).join());
      if (parent !== undefined) return parent;
      throw new UsageError(
        `tree choice [${path}] has no parent: [${path.slice(0, -1)}] must be among the choices as well`,
      );
    });
    this.depth = Math.max(...this.paths.map((path) => path.length));
    this.width = 1 + Math.max(...this.paths.map((path) => path[path.length - 1]));
  }

  /** Throws when the tree needs more than `depth` levels or `width` ranks. */
  assertFits(depth: number, width: number, what: string): void {
    const deep = this.paths.find((path) => path.length > depth);
    if (deep) throw new UsageError(`tree choice [${deep}] is ${deep.length} deep but ${what} reach ${depth}`);
    const wide = this.paths.find((path) => path[path.length - 1] >= width);
    if (wide) throw new UsageError(`tree choice [${wide}] has a rank of ${width} or more: ranks are 0 to ${width - 1}`);
  }

  /**
   * Adds the tree's nodes under `leaf`, at most `budget` of them and `depth` levels; returns them, undefined where
   * there is no candidate (then nothing below it either).
   * @param candidate the token of a rank below a node; `level` is 0 right under the leaf
   */
  fill(
    leaf: ProposalNode,
    limits: { depth: number; budget: number },
    candidate: (parent: ProposalNode, rank: number, level: number) => TokenId | undefined,
  ): (ProposalNode | undefined)[] {
    const nodes: (ProposalNode | undefined)[] = [];
    let left = limits.budget;
    for (const [i, path] of this.paths.entries()) {
      if (left <= 0 || path.length > limits.depth) break;
      const parent = this.parents[i] < 0 ? leaf : nodes[this.parents[i]];
      const token = parent && candidate(parent, path[path.length - 1], path.length - 1);
      nodes.push(token === undefined ? undefined : proposalNode(token, parent));
      if (token !== undefined) left--;
    }
    return nodes;
  }
}

function checked(choices: readonly RankPath[]): RankPath[] {
  const isPath = (path: unknown) => Array.isArray(path) && path.length > 0 && path.every((r) => Number.isInteger(r));
  if (!Array.isArray(choices) || choices.length === 0 || !choices.every(isPath)) {
    throw new UsageError(`tree choices must be a list of paths of ranks such as [[0],[0,0],[1]], got ${json(choices)}`);
  }
  const seen = new Set<string>();
  for (const path of choices) {
    if (path.some((rank: number) => rank < 0)) throw new UsageError(`tree choice [${path}] has a negative rank`);
    if (seen.has(path.join())) throw new UsageError(`tree choice [${path}] stands twice: leave one out`);
    seen.add(path.join());
  }
  return [...choices].sort(compare);
}

function compare(a: RankPath, b: RankPath): number {
  if (a.length !== b.length) return a.length - b.length;
  const at = a.findIndex((rank, i) => rank !== b[i]);
  return at < 0 ? 0 : a[at] - b[at];
}

function json(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
