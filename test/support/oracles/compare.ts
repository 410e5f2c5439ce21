import type { StepPlan, TraceStep } from "../../../src/index.js";
import type { TokenId } from "../../../src/types/token.js";
import type { Recording } from "../recording.js";
import type { Moment, Proposal, ProposalOracle, TokenPath } from "./proposal.js";

/**
 * The steps of a greedy run that an oracle would have proposed otherwise, one line each; empty when there are none.
 * What each step may know is worked out from the output alone, not from what the run told the drafter.
 */
export async function mismatches(
  { prompt, output, steps, exactTrees }: Recording,
  oracle: ProposalOracle,
): Promise<string[]> {
  const found: string[] = [];
  let done = 0;
  let foreseen: readonly TokenId[] = [];
  for (const [i, { plan, budget, trace }] of steps.entries()) {
    const maxDepth = output.length - done - 1;
    const text = [...prompt, ...output.slice(0, done)];
    const stem = foreseen.slice(0, maxDepth);
    const moment: Moment = { text, foreseen: stem, maxDepth, budget: budget + stem.length };
    const proposed = proposalOf(plan, stem);
    const expected = await oracle.expected(moment);
    if (!expected.some((right) => same(right, proposed))) {
      found.push(`step ${i}: proposed ${JSON.stringify(proposed)}, expected ${JSON.stringify(expected)}`);
    }
    await oracle.learn?.(moment, proposed);
    const come = whatCame(trace.tree, output.slice(done), exactTrees);
    if (come.committed.join() !== trace.committed.join()) {
      found.push(`step ${i}: committed ${trace.committed}, expected ${come.committed}`);
    }
    done += trace.committed.length;
    foreseen = come.foreseen;
  }
  return found;
}

/**
 * What a tree gets right of the tokens to come, committed with one token more. Where rows of side branches are not exact, only
 * its first path is; the rest is foreseen (docs/exactness.md).
 */
function whatCame({ tokens, parents }: TraceStep["tree"], coming: readonly TokenId[], exactTrees: boolean) {
  const right = [0];
  for (const token of coming) {
    const child = parents.findIndex((parent, node) => parent === right.at(-1) && tokens[node] === token);
    if (child < 0) break;
    right.push(child);
  }
  const exact = exactTrees ? -1 : right.findIndex((node, i) => node !== i);
  const accepted = (exact < 0 ? right.length : exact) - 1;
  return { committed: coming.slice(0, accepted + 1), foreseen: coming.slice(accepted + 1, right.length) };
}

/** A drafter's plan, which it proposed behind the foreseen tokens. */
function proposalOf({ tree, extra }: StepPlan, foreseen: readonly TokenId[]): Proposal {
  const tokens = [...tree.tokens, ...(extra?.tokens ?? [])];
  const parents = [...tree.parents, ...(extra?.parents ?? [])];
  const paths: TokenPath[] = [foreseen];
  for (let row = 1; row < tokens.length; row++) paths[row] = [...paths[parents[row]], tokens[row]];
  const stem = foreseen.map((_, i) => foreseen.slice(0, i + 1));
  return { tree: [...stem, ...paths.slice(1, tree.tokens.length)], window: paths.slice(tree.tokens.length) };
}

function same(a: Proposal, b: Proposal): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
