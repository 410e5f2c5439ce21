import { sampleWithoutReplacement } from "../../src/methods/draft/sampled-children.js";
import type { Coupling } from "../../src/methods/drafter.js";
import type { Distribution } from "../../src/sampling/distribution.js";
import { TokenHistory } from "../../src/sampling/history.js";
import { Sampler } from "../../src/sampling/sampler.js";
import { GREEDY } from "../../src/sampling/sampling-options.js";
import { layOut, type ProposalNode, pathTokens, proposalNode } from "../../src/trees/proposal-tree.js";
import type { TokenTree } from "../../src/trees/token-tree.js";
import type { SamplingParams } from "../../src/types/sampling-params.js";
import { chanceOf } from "../../src/verification/chance.js";
import { type Verdict, verifyByChoice, verifyMaximal } from "../../src/verification/verifier.js";
import { verifyForgetfully } from "./forgetful-verifier.js";
import { naiveProbabilities } from "./naive.js";

export const VOCABULARY = 6;
export const PROMPT = [2, 4];
/** Output tokens of a trial: one more than the tree is deep, so that a second step begins in many trials. */
export const LENGTH = 3;

/** Logits after any two tokens. */
const table = (logit: (a: number, b: number, id: number) => number) =>
  Array.from({ length: VOCABULARY ** 2 }, (_, i) =>
    Float32Array.from({ length: VOCABULARY }, (_, id) => logit(Math.floor(i / VOCABULARY), i % VOCABULARY, id)),
  );
const wave = (salt: number, a: number, b: number, id: number) => Math.sin(salt * (id + 1) + 3 * a + 7 * b + id * a * b);
const target = table((a, b, id) => 1.6 * wave(1.3, a, b, id));
/** Resembles the target. */
const draft = table((a, b, id) => 1.6 * wave(1.3, a, b, id) + 0.8 * wave(2.9, a, b, id));
const rowAfter = (rows: Float32Array[], tokens: readonly number[]) => {
  const [a, b] = tokens.slice(-2);
  return rows[a * VOCABULARY + b];
};

/** Faults of an engine, planted to see that the tests would find them. */
export type Fault =
  | "no residual"
  | "bonus from the wrong row"
  | "q not processed"
  | "noise reused"
  | "rejected siblings kept";

export interface Trial {
  params: Partial<SamplingParams>;
  widths: readonly number[];
  coupling: Coupling;
  fault?: Fault;
}

/** A history whose position never moves: every position meets the same noise. */
class StuckHistory extends TokenHistory {
  override get newTokens(): number {
    return 0;
  }
}

/** The first LENGTH tokens of speculative sampling with this seed, by the product's sampler, trees and verifiers. */
export function speculate({ params: given, widths, coupling, fault }: Trial, seed: number): number[] {
  const params = { ...GREEDY, doSample: true, ...given, seed };
  const sampler = new Sampler({ params, vocabSize: VOCABULARY, eosTokenIds: [] });
  const plain = new Sampler({ params: { ...GREEDY, doSample: true }, vocabSize: VOCABULARY, eosTokenIds: [] });
  const history = fault === "noise reused" ? new StuckHistory(PROMPT) : new TokenHistory(PROMPT);
  const rowOf = (rows: Float32Array[], path: readonly number[]) => rowAfter(rows, [...history.tail(2), ...path]);
  /** Runs `work` with a path below the last committed token on the history. */
  const along = <T>(path: readonly number[], work: () => T): T => {
    for (const token of path) history.push(token);
    const value = work();
    for (const _ of path) history.pop();
    return value;
  };
  const grow = (node: ProposalNode, depth: number): void => {
    if (depth >= widths.length) return;
    const path = pathTokens(node);
    const row = rowOf(draft, path);
    const tokens = along(path, () => {
      if (coupling === "gumbel") return sampler.chooseTop(row, history, widths[depth]);
      const q = sampler.distribution(row, history);
      node.distribution = fault === "q not processed" ? plain.distribution(row, history) : q;
      return sampleWithoutReplacement(q, widths[depth], chanceOf(sampler.uniforms(history, "draft")));
    });
    for (const token of tokens) grow(proposalNode(token, node), depth + 1);
  };
  const step = (): void => {
    const root = proposalNode(history.at(history.length - 1));
    grow(root, 0);
    const { tree, nodes } = layOut(root, "draft");
    const leaf = (node: number) => !tree.parents.includes(node);
    const read = (node: number) => (fault === "bonus from the wrong row" && leaf(node) ? tree.parents[node] : node);
    const rows = nodes.map((_, i) => rowOf(target, pathTokens(nodes[read(i)])));
    const verdict = judge(tree, rows, sampler, history, coupling, fault);
    const rejected = tree.parents.includes(verdict.path[verdict.path.length - 1]);
    if (fault === "no residual" && rejected) {
      const p = sampler.distribution(rows[verdict.path[verdict.path.length - 1]], history);
      verdict.next = sampleWithoutReplacement(p, 1, chanceOf(sampler.uniforms(history, "draft")))[0];
    }
    history.push(verdict.next!);
  };
  while (history.length - PROMPT.length < LENGTH) step();
  return history.tail(history.length - PROMPT.length).slice(0, LENGTH);
}

function judge(
  tree: TokenTree,
  rows: Float32Array[],
  sampler: Sampler,
  history: TokenHistory,
  coupling: Coupling,
  fault: Fault | undefined,
): Verdict {
  const context = { history, isFinal: () => false };
  if (coupling === "gumbel") return verifyByChoice(tree, (node) => sampler.choose(rows[node], history), context);
  const p = (node: number): Distribution => sampler.distribution(rows[node], history);
  const chanceAt = () => chanceOf(sampler.uniforms(history, "verifier"));
  if (fault === "rejected siblings kept") return verifyForgetfully(tree, p, chanceAt, history);
  return verifyMaximal(tree, p, chanceAt, context);
}

/** The exact probability of every output of LENGTH tokens, by the obvious processors; index is base VOCABULARY. */
export function exactProbabilities(given: Partial<SamplingParams>): number[] {
  const params = { ...GREEDY, doSample: true, ...given };
  const probabilities: number[] = [];
  const visit = (output: number[], probability: number): void => {
    if (output.length === LENGTH) {
      probabilities[indexOfOutput(output)] = probability;
      return;
    }
    const row = [...rowAfter(target, [...PROMPT, ...output])];
    naiveProbabilities(row, params, PROMPT, output).forEach((p, id) => {
      visit([...output, id], probability * p);
    });
  };
  visit([], 1);
  return probabilities;
}

export function indexOfOutput(output: readonly number[]): number {
  return output.reduce((index, token) => index * VOCABULARY + token, 0);
}
