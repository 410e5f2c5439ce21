import { type Distribution, probabilityOf } from "../sampling/distribution.js";
import type { TokenHistory } from "../sampling/history.js";
import type { TokenId } from "../types/token.js";
import { draw } from "./sampled-children.js";
import { childrenOf, type TokenTree } from "./token-tree.js";

/** What the target says about a tree. */
export interface Verdict {
  /** Accepted nodes from the root (0) down. */
  path: number[];
  /** The target's own token after the path (residual or bonus); absent when an accepted token ended the output. */
  next?: TokenId;
}

export interface VerifierContext {
  /** Accepted tokens are pushed here as the walk goes down; `next` is not. */
  history: TokenHistory;
  /** Whether the accepted token just pushed ends the output: then nothing comes after it. */
  isFinal: (token: TokenId) => boolean;
}

/**
 * Greedy decoding and coupling by shared noise: the target's own choice at a node decides. The output is plain
 * decoding's, whatever was proposed.
 */
export function verifyByChoice(
  tree: TokenTree,
  choose: (node: number) => TokenId,
  { history, isFinal }: VerifierContext,
): Verdict {
  const path = [0];
  for (let node = 0; ; ) {
    const next = choose(node);
    const child = childrenOf(tree, node).find((candidate) => tree.tokens[candidate] === next);
    if (child === undefined) return { path, next };
    node = child;
    path.push(node);
    history.push(next);
    if (isFinal(next)) return { path };
  }
}

/**
 * Speculative sampling (Leviathan et al. 2023, Chen et al. 2023), with several children per node by recursive
 * rejection (SpecInfer; Jeon et al. 2024): a child sampled from q is accepted with min(1, p/q), else p becomes
 * norm(max(0, p - q)) and q loses the child. A child proposed for certain is accepted with p, else p loses it.
 * @param p the target's processed distribution at a node
 * @param uniforms the random numbers of the position after the history
 */
export function verifyMaximal(
  tree: TokenTree,
  p: (node: number) => Distribution,
  uniforms: () => () => number,
  { history, isFinal }: VerifierContext,
): Verdict {
  const path = [0];
  for (let node = 0; ; ) {
    const uniform = uniforms();
    const children = childrenOf(tree, node);
    const target = p(node);
    const residual = new Residual(target, children.length > 0 ? tree.draftDistributions?.[node] : undefined);
    const child = children.find((candidate) => residual.tries(tree.tokens[candidate], uniform));
    if (child === undefined) return { path, next: residual.sample(uniform) };
    node = child;
    path.push(node);
    history.push(tree.tokens[node]);
    if (isFinal(tree.tokens[node])) return { path };
  }
}

/** What is left of p (and q) while the children of a node are tried. */
class Residual {
  private readonly p: Float64Array;
  /** q at the tokens of p; those that p lacks are of no consequence but for q's mass. */
  private readonly q: Float64Array | undefined;
  private pMass = 1;
  private qMass = 1;

  constructor(
    private readonly target: Distribution,
    private readonly draft: Distribution | undefined,
  ) {
    this.p = target.probs.slice(0, target.count);
    if (!draft) return;
    const at = new Map<TokenId, number>();
    for (let i = 0; i < draft.count; i++) at.set(draft.ids[i], draft.probs[i]);
    this.q = Float64Array.from({ length: target.count }, (_, i) => at.get(target.ids[i]) ?? 0);
  }

  /** Accepts `token` or takes it out of what is left. */
  tries(token: TokenId, uniform: () => number): boolean {
    const index = this.target.ids.subarray(0, this.target.count).indexOf(token);
    const p = index < 0 ? 0 : this.p[index] / this.pMass;
    if (!this.q) {
      if (uniform() < p) return true;
      if (index >= 0) {
        this.p[index] = 0;
        this.pMass = sum(this.p);
      }
      return false;
    }
    const q = (index < 0 ? probabilityOf(this.draft!, token) : this.q[index]) / this.qMass;
    if (uniform() < p / q) return true;
    this.subtract(this.q);
    if (index >= 0) this.q[index] = 0;
    this.qMass -= q * this.qMass;
    return false;
  }

  sample(uniform: () => number): TokenId {
    return this.target.ids[draw(this.p, uniform() * this.pMass)];
  }

  /** p = max(0, p - q), both normalised. */
  private subtract(q: Float64Array): void {
    for (let i = 0; i < this.p.length; i++) {
      this.p[i] = Math.max(0, this.p[i] / this.pMass - q[i] / this.qMass);
    }
    this.pMass = sum(this.p);
  }
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
