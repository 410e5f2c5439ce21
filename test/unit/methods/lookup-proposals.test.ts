import fc from "fast-check";
import { expect, test } from "vitest";
import { type Drafter, LookupCorpus, type StepOutcome } from "../../../src/index.js";
import { NgramDrafter } from "../../../src/methods/ngram/ngram.js";
import { SuffixDrafter } from "../../../src/methods/suffix/suffix.js";
import { TokenHistory } from "../../../src/sampling/history.js";
import { Sampler } from "../../../src/sampling/sampler.js";
import { GREEDY } from "../../../src/types/sampling-params.js";
import { lookupOracle, suffixOracle } from "../../support/oracles/lookup.js";
import type { OracleOf } from "../../support/oracles/proposal.js";

/**
 * Lookups never foresee anything by themselves, but as parts of merged trees their text goes on with what others foresaw:
 * here with random texts of few different tokens, where everything repeats.
 */
const LENGTH = 4;
const VOCABULARY = 3;
const texts = (minLength: number, maxLength: number) =>
  fc.array(fc.integer({ min: 0, max: VOCABULARY - 1 }), { minLength, maxLength });
interface Given {
  text: number[];
  foreseen: number[];
  /** Limits beyond the foreseen tokens. */
  depth: number;
  nodes: number;
}

const moments: fc.Arbitrary<Given> = fc.record({
  text: texts(1, 24),
  foreseen: texts(0, 3),
  depth: fc.integer({ min: 0, max: 6 }),
  nodes: fc.integer({ min: 0, max: 6 }),
});
const corpora = texts(0, 24);

/** Compares a drafter that was given half of the text as the prompt with an oracle. */
async function agrees(drafter: Drafter, oracleOf: OracleOf, { text, foreseen, depth, nodes }: Given): Promise<void> {
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

test.each(["latest", "frequent"] as const)("prompt lookup, %s match", async (match) => {
  const lengths = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }));
  const property = fc.asyncProperty(moments, lengths, (moment, [a, b]) => {
    const [minNgram, maxNgram] = [Math.min(a, b), Math.max(a, b)];
    const drafter = new NgramDrafter({ maxNgram, minNgram, length: LENGTH, match });
    return agrees(drafter, lookupOracle(match, LENGTH, maxNgram, minNgram), moment);
  });
  await fc.assert(property, { numRuns: 500, seed: 8 });
});

test.each([1, 3])("suffix automaton, matches of at least %i", async (minMatch) => {
  const property = fc.asyncProperty(moments, corpora, async (moment, corpus) => {
    const alone = new SuffixDrafter(LENGTH, minMatch);
    await agrees(alone, suffixOracle([], LENGTH, minMatch), moment);
    const both = new SuffixDrafter(LENGTH, minMatch, new LookupCorpus(corpus).automaton);
    await agrees(both, suffixOracle(corpus, LENGTH, minMatch), moment);
  });
  await fc.assert(property, { numRuns: 500, seed: 8 });
});
