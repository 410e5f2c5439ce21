import fc from "fast-check";
import { test } from "vitest";
import { LookupCorpus } from "../../../../src/index.js";
import { SuffixDrafter } from "../../../../src/methods/suffix/suffix.js";
import { suffixOracle } from "../../../support/oracles/lookup.js";
import { agrees, corpora, LENGTH, moments } from "../../../support/oracles/lookup-moments.js";

test.each([1, 3])("matches of at least %i", async (minMatch) => {
  const property = fc.asyncProperty(moments, corpora, async (moment, corpus) => {
    const alone = new SuffixDrafter(LENGTH, minMatch);
    await agrees(alone, suffixOracle([], LENGTH, minMatch), moment);
    const both = new SuffixDrafter(LENGTH, minMatch, new LookupCorpus(corpus).automaton);
    await agrees(both, suffixOracle(corpus, LENGTH, minMatch), moment);
  });
  await fc.assert(property, { numRuns: 500, seed: 8 });
});
