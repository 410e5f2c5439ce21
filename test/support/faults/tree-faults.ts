import { chain, type Drafter, type MedusaHeads, type SingleOptions, type TokenTree } from "../../../src/index.js";
import { spoiled } from "./spoiled.js";

/** What a lookup finds begins with the last token that it looked for. */
export function continuesAtTheMatch(drafter: Drafter): Drafter {
  return spoiled(drafter, {
    plan: (plan) => {
      const [root, ...found] = plan.tree.tokens;
      return { ...plan, tree: chain(root, [root, ...found].slice(0, found.length)) };
    },
  });
}

/** Every head stands for the one before it. */
export function headsShifted({ speculation, ...rest }: SingleOptions): SingleOptions {
  const heads = speculation?.heads as MedusaHeads;
  const top = (hidden: Float32Array) => {
    const [first, ...later] = heads.top(hidden);
    return [...later, first];
  };
  const shifted: MedusaHeads = Object.create(heads, { top: { value: top } });
  return { ...rest, speculation: { ...speculation, heads: shifted } };
}

/** The heads read the hidden state at the root instead of that at the last right node. */
export function hiddenOfTheRoot(drafter: Drafter): Drafter {
  return spoiled(drafter, { outcome: (outcome) => ({ ...outcome, last: 0 }) });
}

/** The last candidate that can be moved hangs one level too high. */
export function underTheGrandparent(drafter: Drafter): Drafter {
  return spoiled(drafter, {
    // Its probability would not be in its new siblings' order, which the contract of plans sees.
    plan: (plan) => ({ ...plan, tree: { ...plan.tree, parents: moved(plan.tree) }, probabilities: undefined }),
  });
}

function moved({ tokens, parents }: TokenTree): readonly number[] {
  const node = parents.findLastIndex((parent, i) => {
    const above = parents[parent] ?? -1;
    const twin = parents.some((other, sibling) => other === above && tokens[sibling] === tokens[i]);
    // Siblings behind it would no longer stand depth first, which the contract of plans sees.
    const isLastChild = parents.lastIndexOf(parent) === i;
    return i > 0 && above >= 0 && !twin && isLastChild;
  });
  return node < 0 ? parents : parents.with(node, parents[parents[node]]);
}

export function budgetIgnored(drafter: Drafter): Drafter {
  return spoiled(drafter, { budget: () => 128 });
}

export function depthIgnored(drafter: Drafter): Drafter {
  return spoiled(drafter, { context: (context) => ({ ...context, maxDepth: 1000 }) });
}
