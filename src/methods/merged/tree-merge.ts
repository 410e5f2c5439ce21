import { Need } from "../../engine/rows.js";
import { layOut, type ProposalNode, proposalNode } from "../../trees/proposal-tree.js";
import type { StepPlan } from "../drafter.js";

/** One plan for the pass, and where each drafter's own rows (tree, then extra) stand in it. */
export interface MergedPlan {
  plan: StepPlan;
  places: number[][];
}

/**
 * Joins plans that have the same root: equal tokens under the same parent become one node, drafters that come first in
 * `order` first. Nodes count as proposed for certain, which every rule of acceptance allows; extra rows stay apart.
 */
export function mergeTrees(plans: readonly StepPlan[], names: readonly string[], order: readonly number[]): MergedPlan {
  const root = proposalNode(plans[0].tree.tokens[0]);
  const sources = new Map<ProposalNode, string>();
  const nodesOf: ProposalNode[][] = plans.map(() => []);
  for (const i of order) {
    const { tokens, parents, sources: own } = plans[i].tree;
    for (const [node, token] of tokens.entries()) {
      if (node === 0) {
        nodesOf[i].push(root);
        continue;
      }
      const parent = nodesOf[i][parents[node]];
      let found = parent.children.find((child) => child.token === token);
      if (!found) {
        found = proposalNode(token, parent);
        sources.set(found, own?.[node] ?? names[i]);
      }
      nodesOf[i].push(found);
    }
  }
  const { tree, nodes } = layOut(root, names[0]);
  const index = new Map(nodes.map((node, row) => [node, row]));
  const places = nodesOf.map((own) => own.map((node) => index.get(node)!));
  const extra = { tokens: [] as number[], parents: [] as number[] };
  plans.forEach(({ extra: own }, i) => {
    const first = nodes.length + extra.tokens.length;
    own?.tokens.forEach((token, row) => {
      places[i].push(first + row);
      extra.tokens.push(token);
    });
    if (own) extra.parents.push(...own.parents.map((parent) => places[i][parent]));
  });
  const needs = new Array<number>(nodes.length + extra.tokens.length).fill(Need.nothing);
  plans.forEach((plan, i) => {
    plan.needs?.forEach((need, row) => {
      needs[places[i][row]] |= need;
    });
  });
  const plan: StepPlan = {
    tree: { tokens: tree.tokens, parents: tree.parents, sources: nodes.map((node) => sources.get(node)) },
    ...(extra.tokens.length > 0 && { extra }),
    needs,
    needsOfLast: plans.reduce((all, { needsOfLast }) => all | (needsOfLast ?? 0), 0),
    topK: Math.max(...plans.map(({ topK }) => topK ?? 1)),
  };
  return { plan, places };
}
