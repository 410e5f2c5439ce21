import { type Distribution, indexOf, probabilityOf } from "../sampling/distribution.js";
import type { TokenHistory } from "../sampling/history.js";
import { childrenOf, type TokenTree } from "../trees/token-tree.js";
import { DrafterError } from "../types/errors.js";
import { shown } from "../types/shown.js";
import type { TokenId } from "../types/token.js";
import type { Chance } from "./chance.js";

/** What the target says about a tree. */
export interface Verdict {
  /** Accepted nodes from the root (0) down. */
  path: number[];
  /** The target's own token after the path (residual or bonus); absent when an accepted token ended the output. */
  next?: TokenId;
  /** Set when `next` is a candidate on a side branch whose rows are not exact. */
  foreseen?: Foreseen;
}

/**
 * What rows of a side branch say where they round differently from a chain's. Nothing of it is committed: the next step has
 * these tokens as the first path of its tree, where rows are exact (docs/exactness.md).
 */
export interface Foreseen {
  /** Nodes that those rows accept, from the one of `next` down. */
  path: number[];
  /** The tokens after `next`, the rows' own last one included. */
  tokens: TokenId[];
}

export interface VerifierContext {
  /** Accepted tokens are pushed here as the walk goes down; `next` is not. */
  history: TokenHistory;
  /** Whether the accepted token just pushed ends the output: then nothing comes after it. */
  isFinal: (token: TokenId) => boolean;
  /** Who proposed the tree, for errors. */
  drafter?: string;
  /** Whether rows of side branches have the bits of a chain's: then they are kept like those of the first path. */
  exactTrees?: boolean;
}

/**
 * Greedy decoding and coupling by shared noise: the target's own choice at a node decides. The output is plain
 * decoding's, whatever was proposed: only rows that are plain decoding's bit for bit decide, those of the first path at least.
 */
export function verifyByChoice(tree: TokenTree, choose: Choice, context: VerifierContext): Verdict {
  const { history, isFinal, exactTrees = false } = context;
  const path = [0];
  for (let node = 0; ; ) {
    const next = choose(node);
    const child = childWith(tree, node, next);
    if (child === undefined) return { path, next };
    if (!exactTrees && child !== node + 1) return { path, next, foreseen: foresee(tree, child, choose, context) };
    node = child;
    path.push(node);
    history.push(next);
    if (isFinal(next)) return { path };
  }
}

/** The target's token after a node, given the history. */
export type Choice = (node: number) => TokenId;

/** Walks a side branch down from `node`; leaves the history as it was. */
function foresee(tree: TokenTree, node: number, choose: Choice, { history, isFinal }: VerifierContext): Foreseen {
  const path: number[] = [];
  const tokens: TokenId[] = [];
  for (let next: number | undefined = node; next !== undefined; ) {
    path.push(next);
    history.push(tree.tokens[next]);
    if (isFinal(tree.tokens[next])) break;
    const token = choose(next);
    tokens.push(token);
    next = childWith(tree, next, token);
  }
  for (const _ of path) history.pop();
  return { path, tokens };
}

function childWith(tree: TokenTree, node: number, token: TokenId): number | undefined {
  return childrenOf(tree, node).find((child) => tree.tokens[child] === token);
}

/**
 * Speculative sampling (Leviathan et al. 2023, Chen et al. 2023), with several children per node by recursive
 * rejection (SpecInfer; Jeon et al. 2024): a child sampled from q is accepted with min(1, p/q), else p becomes
 * norm(max(0, p - q)) and q loses the child. A child proposed for certain is accepted with p, else p loses it.
 * @param p the target's processed distribution at a node
 * @param chanceAt decisions for the position after the history
 */
export function verifyMaximal(
  tree: TokenTree,
  p: (node: number) => Distribution,
  chanceAt: () => Chance,
  { history, isFinal, drafter }: VerifierContext,
): Verdict {
  const path = [0];
  for (let node = 0; ; ) {
    const chance = chanceAt();
    const children = childrenOf(tree, node);
    const target = p(node);
    const draft = children.length > 0 ? tree.draftDistributions?.[node] : undefined;
    const residual = new Residual(target, draft, drafter);
    const child = children.find((candidate) => residual.tries(tree.tokens[candidate], chance));
    if (child === undefined) return { path, next: residual.sample(chance) };
    node = child;
    path.push(node);
    history.push(tree.tokens[node]);
    if (isFinal(tree.tokens[node])) return { path };
  }
}

/** What is left of p (and q) while the children of a node are tried. */
class Residual {
  private p: Float64Array;
  private pMass = 1;
  /** The draft's probabilities, those of tried children set to 0. */
  private readonly draft: Distribution | undefined;
  private qMass = 1;

  constructor(
    private readonly target: Distribution,
    draft: Distribution | undefined,
    private readonly drafter = "",
  ) {
    this.p = target.probs.slice(0, target.count);
    this.draft = draft && { ...draft, probs: draft.probs.slice(0, draft.count) };
  }

  /** Accepts `token`, or takes it out of what is left. */
  tries(token: TokenId, chance: Chance): boolean {
    const index = indexOf(this.target, token);
    const p = index < 0 ? 0 : this.p[index] / this.pMass;
    const certain = this.draft === undefined;
    const q = certain ? 1 : probabilityOf(this.draft!, token) / this.qMass;
    // By the rule a token that the draft could not have sampled would be accepted whatever the target says of it.
    if (!(q > 0)) {
      throw new DrafterError(
        `drafter ${shown(this.drafter)} broke its contract: its draftDistributions rule out its token ${token}`,
      );
    }
    if (chance.accept(p / q)) return true;
    const rest = certain ? this.without(index) : this.minusDraft();
    const restMass = sum(rest);
    // Nothing left: p and q differed by rounding only, and the child was as good as accepted.
    if (restMass <= 0) return true;
    this.p = rest;
    this.pMass = restMass;
    if (!certain) this.draftWithout(token);
    return false;
  }

  sample(chance: Chance): TokenId {
    return this.target.ids[chance.pick(this.p, this.pMass)];
  }

  private without(index: number): Float64Array {
    const rest = this.p.slice();
    if (index >= 0) rest[index] = 0;
    return rest;
  }

  /** max(0, p - q), both normalised. Ids ascend in both. */
  private minusDraft(): Float64Array {
    const { ids, probs, count } = this.draft!;
    let j = 0;
    return this.p.map((p, i) => {
      const id = this.target.ids[i];
      while (j < count && ids[j] < id) j++;
      const q = j < count && ids[j] === id ? probs[j] : 0;
      return Math.max(0, p / this.pMass - q / this.qMass);
    });
  }

  private draftWithout(token: TokenId): void {
    const { probs } = this.draft!;
    probs[indexOf(this.draft!, token)] = 0;
    this.qMass = sum(probs);
  }
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
