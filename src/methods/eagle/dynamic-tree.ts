import type { Distribution } from "../../sampling/distribution.js";
import { type ProposalNode, proposalNode } from "../../trees/proposal-tree.js";
import type { TokenId } from "../../types/token.js";
import type { NextTokens } from "../draft/next-tokens.js";
import type { Guidance } from "../drafter.js";

/** A token that may become a node of the tree. */
export interface Candidate {
  token: TokenId;
  parent: Candidate | undefined;
  /** The draft's own probability of it after its parent; the root's 1. */
  probability: number;
  /** The log of the whole path's: of its probabilities, or of what is thought of them. */
  score: number;
  /** Its own row among the pending ones; -1 for the root and while it was not read. */
  row: number;
  /** The feature that rows below it read. */
  guess?: Float32Array;
  /** What the children were sampled from. */
  distribution?: Distribution;
}

/**
 * EAGLE-2's dynamic tree (Li et al. 2024, section 4): level by level the likeliest candidates are expanded, then all
 * candidates are ranked again and the likeliest become the tree. A candidate is never likelier than its parent, so they
 * hang together.
 */
export class DynamicTree {
  readonly root: Candidate;
  private readonly all: Candidate[] = [];
  /** The candidates of the deepest level. */
  private level: Candidate[] = [];

  constructor(
    token: TokenId,
    private readonly guidance?: Guidance,
  ) {
    this.root = { token, parent: undefined, probability: 1, score: 0, row: -1 };
  }

  /** Starts the next level, whose candidates `add` gives. */
  nextLevel(): void {
    this.level = [];
  }

  add(parent: Candidate, { ids, logProbs, distribution }: NextTokens): void {
    parent.distribution = distribution;
    const probabilities = logProbs.map((logProb) => Math.exp(Math.min(0, logProb)));
    const chances = this.guidance?.chances(probabilities) ?? probabilities;
    for (const [i, token] of ids.entries()) {
      const candidate = {
        token,
        parent,
        probability: probabilities[i],
        score: parent.score + Math.log(chances[i]),
        row: -1,
      };
      this.level.push(candidate);
      this.all.push(candidate);
    }
  }

  /** The likeliest candidates of the deepest level. */
  frontier(width: number, proceed: (probability: number) => boolean): Candidate[] {
    const best = [...this.level].sort(byScore).slice(0, width);
    return best.filter(({ score }) => proceed(Math.exp(score)));
  }

  /** The `nodes` likeliest candidates of all levels as a tree; children stand likeliest first. */
  grow(nodes: number): ProposalNode {
    const root = proposalNode(this.root.token);
    root.distribution = this.root.distribution;
    const made = new Map<Candidate, ProposalNode>([[this.root, root]]);
    // Sorting keeps the order of equals, in which parents come before their children.
    for (const candidate of [...this.all].sort(byScore).slice(0, nodes)) {
      const node = proposalNode(candidate.token, made.get(candidate.parent!));
      node.distribution = candidate.distribution;
      node.probability = candidate.probability;
      made.set(candidate, node);
    }
    return root;
  }
}

/** The tokens from below the root down to a candidate. */
export function pathTo(candidate: Candidate): TokenId[] {
  const tokens: TokenId[] = [];
  for (let at = candidate; at.parent !== undefined; at = at.parent) tokens.push(at.token);
  return tokens.reverse();
}

function byScore(a: Candidate, b: Candidate): number {
  return b.score - a.score;
}
