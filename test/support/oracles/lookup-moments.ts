import fc from "fast-check";
import { expect } from "vitest";
import type { Drafter, StepOutcome } from "../../../src/index.js";
import { TokenHistory } from "../../../src/sampling/history.js";
import { Sampler } from "../../../src/sampling/sampler.js";
import { GREEDY } from "../../../src/sampling/sampling-options.js";
import type { OracleOf } from "./proposal.js";

/**
 * Lookups never foresee anything by themselves, but as parts of merged trees their text goes on with what others foresaw:
 * here with random texts of few different tokens, where everything repeats.
 */
export const LENGTH = 4;
const VOCABULARY = 3;
const texts = (minLength: number, maxLength: number) =>
  fc.array(fc.integer({ min: 0, max: VOCABULARY - 1 }), { minLength, maxLength });
interface Moment {
  text: number[];
  foreseen: number[];
  /** Limits beyond the foreseen tokens. */
  depth: number;
  nodes: number;
}

export const moments: fc.Arbitrary<Moment> = fc.record({
  text: texts(1, 24),
  foreseen: texts(0, 3),
  depth: fc.integer({ min: 0, max: 6 }),
  nodes: fc.integer({ min: 0, max: 6 }),
});
export const corpora = texts(0, 24);

/** Compares a drafter that was given half of the text as the prompt with an oracle. */
export async function agrees(
  drafter: Drafter,
  oracleOf: OracleOf,
  { text, foreseen, depth, nodes }: Moment,
): Promise<void> {
  const begun = text.slice(0, Math.ceil(text.length / 2));
  const history = new TokenHistory(begun);
  const sampler = new Sampler({ params: GREEDY, vocabSize: VOCABULARY, eosTokenIds: [] });
  await drafter.begin(begun);
  const committed = text.slice(begun.length);
  for (const token of committed) history.push(token);
  // Of a step's outcome these drafters read the committed tokens only.
  drafter.observe({ committed } as unknown as StepOutcome);
  for (const token of foreseen) history.push(token);
  const { tree } = await drafter.propose({ history, sampler, coupling: "gumbel", maxDepth: depth }, nodes);
  const limits = { maxDepth: foreseen.length + depth, budget: foreseen.length + nodes };
  const expected = await oracleOf(begun).expected({ text, foreseen, ...limits });
  const chains = expected.map((proposal) => (proposal.tree.at(-1) ?? []).slice(foreseen.length));
  expect(tree.parents).toEqual(tree.tokens.map((_, i) => i - 1));
  expect(chains).toContainEqual(tree.tokens.slice(1));
}
