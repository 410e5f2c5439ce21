import { type Distribution, probabilityOf } from "../sampling/distribution.js";
import { childrenOf, type TokenTree } from "../trees/token-tree.js";
import type { TokenId } from "../types/token.js";
import type { Verdict, VerifierContext } from "./verifier.js";

/** Typical acceptance's two numbers. A LOWER threshold accepts more and drifts further from the target. */
export interface TypicalAcceptance {
  /** epsilon: a candidate more probable than this is always kept. Medusa's posterior_threshold, default 0.09. */
  threshold: number;
  /** delta: scales e^-entropy, so that less is asked where the target itself is unsure. posterior_alpha, default 0.3. */
  alpha: number;
}

export const TYPICAL_ACCEPTANCE: TypicalAcceptance = { threshold: 0.09, alpha: 0.3 };

interface Path {
  nodes: number[];
  logProbability: number;
  /** Its last token ends the output. */
  final: boolean;
}

/**
 * Typical acceptance (Medusa, section 3.3): keeps every candidate with p(x) > min(threshold, alpha e^-H(p)), takes the
 * longest path of such nodes (ties: the likelier) and samples the token after it. NOT lossless when sampling: candidates
 * are kept more often than the target would have chosen them.
 * @param p the target's processed distribution at a node, given the history
 * @param sample the target's own token after a node
 */
export function verifyTypical(
  tree: TokenTree,
  p: (node: number) => Distribution,
  sample: (node: number) => TokenId,
  { threshold, alpha }: TypicalAcceptance,
  { history, isFinal }: VerifierContext,
): Verdict {
  const longest = (node: number, logProbability: number): Path => {
    let best: Path = { nodes: [node], logProbability, final: false };
    const children = childrenOf(tree, node);
    if (children.length === 0) return best;
    const target = p(node);
    const least = Math.min(threshold, alpha * Math.exp(-entropy(target)));
    for (const child of children) {
      const token = tree.tokens[child];
      const probability = probabilityOf(target, token);
      if (!(probability > least)) continue;
      history.push(token);
      const sum = logProbability + Math.log(probability);
      const found = isFinal(token) ? { nodes: [child], logProbability: sum, final: true } : longest(child, sum);
      history.pop();
      if (isBetter(found, best)) best = { ...found, nodes: [node, ...found.nodes] };
    }
    return best;
  };
  const { nodes, final } = longest(0, 0);
  for (const node of nodes.slice(1)) history.push(tree.tokens[node]);
  if (final) return { path: nodes };
  return { path: nodes, next: sample(nodes[nodes.length - 1]) };
}

/** `found` does not count the node above it, `best` does. */
function isBetter(found: Path, best: Path): boolean {
  const [a, b] = [found.nodes.length + 1, best.nodes.length];
  return a > b || (a === b && found.logProbability > best.logProbability);
}

/** In nats. */
function entropy({ probs, count }: Distribution): number {
  let sum = 0;
  for (let i = 0; i < count; i++) if (probs[i] > 0) sum -= probs[i] * Math.log(probs[i]);
  return sum;
}
