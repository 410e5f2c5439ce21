import type { PassResult } from "../engine/rows.js";
import type { TokenHistory } from "../sampling/history.js";
import type { Sampler } from "../sampling/sampler.js";
import type { TokenTree } from "../trees/token-tree.js";
import type { TokenId } from "../types/token.js";
import { chanceOf } from "../verification/chance.js";
import { type Verdict, verifyByChoice, verifyMaximal } from "../verification/verifier.js";
import { verifyTypical } from "../verification/verify-typical.js";
import type { GenerationRequest } from "./request.js";

export interface VerifyContext {
  history: TokenHistory;
  sampler: Sampler;
  /** How sampled proposals are judged; typical acceptance is opt-in, not lossless. */
  request: Pick<GenerationRequest, "coupling" | "typical">;
  /** The tree's rows asked for their logits, not just their argmax. */
  usesLogits: boolean;
  /** Whether the accepted token just pushed onto the history ends the output. */
  isFinal: (token: TokenId) => boolean;
  /** Who proposed the tree, for errors. */
  drafter: string;
  /** Whether rows of side branches have the bits of a chain's. */
  exactTrees: boolean;
}

/** Judges a tree by the target's rows; pushes the accepted tokens (not the last, own one) onto the history. */
export function verify(tree: TokenTree, result: PassResult, place: number, context: VerifyContext): Verdict {
  const { history, sampler, request, usesLogits, isFinal, drafter, exactTrees } = context;
  const { coupling, typical } = request;
  if (typical && !sampler.greedy) {
    const p = (node: number) => sampler.distribution(result.logits(node, place), history);
    const sample = (node: number) => sampler.choose(result.logits(node, place), history);
    return verifyTypical(tree, p, sample, typical, { history, isFinal });
  }
  if (coupling === "maximal" && !sampler.greedy) {
    const p = (node: number) => sampler.distribution(result.logits(node, place), history);
    const chanceAt = () => chanceOf(sampler.uniforms(history, "verifier"));
    return verifyMaximal(tree, p, chanceAt, { history, isFinal, drafter });
  }
  const choose = usesLogits
    ? (node: number) => sampler.choose(result.logits(node, place), history)
    : (node: number) => result.argmax(node, place);
  return verifyByChoice(tree, choose, { history, isFinal, exactTrees });
}
