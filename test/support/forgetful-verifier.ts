import type { Distribution } from "../../src/sampling/distribution.js";
import type { TokenHistory } from "../../src/sampling/history.js";
import { childrenOf, rootOnly, type TokenTree } from "../../src/trees/token-tree.js";
import type { Chance } from "../../src/verification/chance.js";
import { type Verdict, verifyMaximal } from "../../src/verification/verifier.js";

/**
 * Speculative sampling that tries every sibling as if it were the only child: what was rejected keeps its probability
 * in p and in q. A planted fault.
 */
export function verifyForgetfully(
  tree: TokenTree,
  p: (node: number) => Distribution,
  chanceAt: () => Chance,
  history: TokenHistory,
): Verdict {
  const path = [0];
  for (let node = 0; ; path.push(node)) {
    const chance = chanceAt();
    const children = childrenOf(tree, node);
    /** Ends with an accepted child, so that the next position gets decisions of its own. */
    const judge = (part: TokenTree) =>
      verifyMaximal(
        part,
        () => p(node),
        () => chance,
        { history, isFinal: () => true },
      );
    let verdict = children.length === 0 ? judge(rootOnly(tree.tokens[node])) : undefined;
    const accepted = children.find((child) => {
      verdict = judge(onlyChild(tree, node, child));
      return verdict.path.length > 1;
    });
    if (accepted === undefined) return { path, next: verdict!.next };
    node = accepted;
  }
}

function onlyChild({ tokens, draftDistributions }: TokenTree, node: number, child: number): TokenTree {
  return {
    tokens: [tokens[node], tokens[child]],
    parents: [-1, 0],
    draftDistributions: [draftDistributions?.[node], undefined],
  };
}
