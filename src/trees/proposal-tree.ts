import type { Distribution } from "../sampling/distribution.js";
import type { TokenId } from "../types/token.js";
import type { TokenTree } from "./token-tree.js";

/** A candidate while a drafter grows its tree. */
export interface ProposalNode {
  token: TokenId;
  parent: ProposalNode | undefined;
  /** Likeliest first, or in the order in which they were sampled. */
  children: ProposalNode[];
  /** The drafter's own row for this node among its pending rows; -1 while it has not read it. */
  row: number;
  /** What the children were sampled from. */
  distribution?: Distribution;
  /** The drafter's own probability of this token after its parent, where it knows it. */
  probability?: number;
  /** The chance that this token and all above it come true, while the tree grows by it. */
  chance?: number;
}

export function proposalNode(token: TokenId, parent?: ProposalNode): ProposalNode {
  const node: ProposalNode = { token, parent, children: [], row: -1 };
  parent?.children.push(node);
  return node;
}

/** The tokens from below the root down to `node`. */
export function pathTokens(node: ProposalNode): TokenId[] {
  const tokens: TokenId[] = [];
  for (let n = node; n.parent !== undefined; n = n.parent) tokens.push(n.token);
  return tokens.reverse();
}

/** Of each node its probability, the root's first; undefined where one is not known. */
export function probabilitiesOf([, ...nodes]: readonly ProposalNode[]): number[] | undefined {
  const known = nodes.map(({ probability }) => probability);
  return known.some((probability) => probability === undefined) ? undefined : [1, ...(known as number[])];
}

/** Lays the tree out depth first, first children first, and tells which node stands where. */
export function layOut(root: ProposalNode, source: string): { tree: TokenTree; nodes: ProposalNode[] } {
  const nodes: ProposalNode[] = [];
  const parents: number[] = [];
  const visit = (node: ProposalNode, parent: number) => {
    const index = nodes.length;
    nodes.push(node);
    parents.push(parent);
    for (const child of node.children) visit(child, index);
  };
  visit(root, -1);
  const tree: TokenTree = {
    tokens: nodes.map((node) => node.token),
    parents,
    draftDistributions: nodes.some((node) => node.distribution) ? nodes.map((node) => node.distribution) : undefined,
    sources: nodes.map((_, i) => (i === 0 ? undefined : source)),
  };
  return { tree, nodes };
}
