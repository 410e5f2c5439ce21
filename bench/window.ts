/**
 * Lookahead's pass, window and guesses with their mask and the rows that are read, against a bare session's pass of as
 * many rows in a chain.
 *
 *   npm run bench:window -- [--size 135M,500M] [--json FILE]
 */
import { Need } from "../src/index.js";
import { LookaheadWindow } from "../src/methods/lookahead/window.js";
import { BareSession } from "./bare.js";
import { interleaved, listFlag, pairedRatio, report } from "./harness.js";
import { type Size, targetOf } from "./models.js";

/** W, N, G: the product's default, the paper's for 7B models, and a small one. */
const SETTINGS = [
  [5, 4, 5],
  [7, 5, 7],
  [4, 3, 2],
] as const;
const PAST = 128;
const CONTEXT = 1024;
const ROUNDS = 15;

const rows = [["size", "W, N, G", "rows", "bare ms", "lookahead ms", "quartiles", "lookahead / bare"]];
const details: unknown[] = [];
for (const size of listFlag("size", ["135M", "500M"]) as Size[]) {
  const lm = await targetOf(size, "q8", CONTEXT);
  const bare = await BareSession.open(lm, CONTEXT + 256);
  const sequence = lm.model.newSequence();
  const token = (i: number) => (i * 37 + 11) % lm.config.vocabSize;
  await lm.model.prefill(
    sequence,
    Array.from({ length: PAST }, (_, i) => token(i)),
  );
  for (const [W, N, G] of SETTINGS) {
    const { parents, needs } = steadyPass(W, N, G);
    const tokens = parents.map((_, i) => token(i));
    const lookahead = async () => {
      await lm.model.forward([{ sequence, tokens, parents, needs }], (result) => result.argmax(0));
      sequence.rollback();
    };
    const variants = [
      { name: "bare", run: bare.pass(tokens.length, PAST) },
      { name: "lookahead", run: lookahead },
    ];
    const [b, l] = await interleaved(variants, ROUNDS, 3);
    const ratio = pairedRatio(l, b);
    const spread = `${l.low.toFixed(2)}-${l.high.toFixed(2)}`;
    const figures = [String(tokens.length), b.median.toFixed(2), l.median.toFixed(2), spread, ratio.toFixed(3)];
    rows.push([size, `${W}, ${N}, ${G}`, ...figures]);
    details.push({ size, W, N, G, rows: tokens.length, bare: b, lookahead: l, ratio });
  }
  sequence.dispose();
  bare.dispose();
  await lm.dispose();
}
report(`Lookahead's passes after ${PAST} tokens, q8`, rows, details);

/** The rows of a step past the warm-up: the input, G guesses of N - 1 tokens, the window. */
function steadyPass(W: number, N: number, G: number): { parents: number[]; needs: number[] } {
  const window = new LookaheadWindow(W, N, (column) => column);
  while (window.warmingUp)
    window.advance(
      0,
      window.rows().read.map(() => 0),
    );
  const parents = [-1];
  for (let guess = 0; guess < G; guess++) {
    for (let i = 0; i < N - 1; i++) parents.push(i === 0 ? 0 : parents.length - 1);
  }
  const { parents: own, read } = window.rows();
  const first = parents.length;
  const needs = parents.map(() => Need.top as number);
  for (const parent of own) {
    parents.push(parent < 0 ? 0 : first + parent);
    needs.push(Need.nothing);
  }
  for (const row of read) if (row >= 0) needs[first + row] = Need.top;
  return { parents, needs };
}
