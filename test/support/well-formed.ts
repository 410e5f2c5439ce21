import type { DraftContext, StepPlan } from "../../src/index.js";

type Limits = Pick<DraftContext, "history" | "maxDepth">;

/** What is wrong with a plan by the contract of Drafter, StepPlan and TokenTree; empty when nothing is. */
export function flawsOf(plan: StepPlan, context: Limits, budget: number, vocabSize: number): string[] {
  return [...treeFlaws(plan, context, budget), ...probabilityFlaws(plan), ...rowFlaws(plan, vocabSize)];
}

/** @throws Error that lists the flaws */
export function assertWellFormed(plan: StepPlan, context: Limits, budget: number, vocabSize: number): void {
  const flaws = flawsOf(plan, context, budget, vocabSize);
  if (flaws.length > 0) throw new Error(`the plan is not well-formed: ${flaws.join("; ")}`);
}

function treeFlaws({ tree }: StepPlan, { history, maxDepth }: Limits, budget: number): string[] {
  const { tokens, parents, draftDistributions, sources } = tree;
  const flaws: string[] = [];
  const check = (right: boolean, flaw: string) => right || flaws.push(flaw);
  check(parents.length === tokens.length, `${tokens.length} nodes have ${parents.length} parents`);
  check(tokens[0] === history.at(history.length - 1), `the root is ${tokens[0]}, not the last token of the history`);
  check(parents[0] === -1, `the root has parent ${parents[0]}`);
  const paths: number[][] = [[0]];
  for (let node = 1; node < tokens.length; node++) {
    const parent = parents[node];
    check(Number.isInteger(parent) && parent >= 0 && parent < node, `node ${node} has parent ${parent}`);
    // Depth first: a node stands under the one before it, or under one of that one's ancestors.
    check(paths[node - 1].includes(parent), `node ${node} under ${parent} is not laid out depth first`);
    paths[node] = [...(paths[parent] ?? []), node];
    const twin = tokens.findIndex((token, i) => i < node && parents[i] === parent && token === tokens[node]);
    check(twin < 0, `siblings ${twin} and ${node} carry the same token`);
  }
  const depth = Math.max(...paths.map((path) => path.length - 1));
  check(depth <= maxDepth, `the tree is ${depth} deep, at most ${maxDepth} can be committed`);
  check(tokens.length - 1 <= budget, `${tokens.length - 1} candidates for a budget of ${budget}`);
  for (const [name, list] of Object.entries({ draftDistributions, sources })) {
    check(list === undefined || list.length === tokens.length, `${name} are not one for each node`);
  }
  return flaws;
}

function probabilityFlaws({ tree, probabilities }: StepPlan): string[] {
  if (!probabilities) return [];
  const { tokens, parents, draftDistributions } = tree;
  const flaws: string[] = [];
  const check = (right: boolean, flaw: string) => right || flaws.push(flaw);
  const length = probabilities.length;
  check(length === tokens.length && probabilities[0] === 1, "probabilities are not one for each node, the root's 1");
  check(
    probabilities.every((probability) => probability >= 0 && probability <= 1 + 1e-6),
    "probabilities are not from 0 to 1",
  );
  tokens.forEach((_, node) => {
    const twin = parents.findLastIndex((parent, other) => other < node && parent === parents[node]);
    check(
      twin < 0 || probabilities[node] <= probabilities[twin],
      `node ${node} is likelier than its sibling before it`,
    );
  });
  // A guard would leave some out for what they are, and the rule that accepts them must not depend on that.
  check(!draftDistributions?.some(Boolean), "candidates that were drawn have probabilities");
  return flaws;
}

function rowFlaws({ tree, extra, needs, topK = 1 }: StepPlan, vocabSize: number): string[] {
  const flaws: string[] = [];
  const check = (right: boolean, flaw: string) => right || flaws.push(flaw);
  const nodes = tree.tokens.length;
  const rows = nodes + (extra?.tokens.length ?? 0);
  for (const token of [...tree.tokens, ...(extra?.tokens ?? [])]) {
    check(Number.isInteger(token) && token >= 0 && token < vocabSize, `token ${token} is outside the vocabulary`);
  }
  check(extra === undefined || extra.parents.length === extra.tokens.length, "extra rows and their parents differ");
  extra?.parents.forEach((parent, i) => {
    check(Number.isInteger(parent) && parent >= 0 && parent < nodes + i, `extra row ${i} has parent ${parent}`);
  });
  check(needs === undefined || needs.length === rows, `${needs?.length} needs for ${rows} rows`);
  check(Number.isInteger(topK) && topK >= 1, `topK is ${topK}`);
  return flaws;
}
