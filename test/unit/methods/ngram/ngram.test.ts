import fc from "fast-check";
import { test } from "vitest";
import { NgramDrafter } from "../../../../src/methods/ngram/ngram.js";
import { lookupOracle } from "../../../support/oracles/lookup.js";
import { agrees, LENGTH, moments } from "../../../support/oracles/lookup-moments.js";

test.each(["latest", "frequent"] as const)("%s match", async (match) => {
  const lengths = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }));
  const property = fc.asyncProperty(moments, lengths, (moment, [a, b]) => {
    const [minNgram, maxNgram] = [Math.min(a, b), Math.max(a, b)];
    const drafter = new NgramDrafter({ maxNgram, minNgram, length: LENGTH, match });
    return agrees(drafter, lookupOracle(match, LENGTH, maxNgram, minNgram), moment);
  });
  await fc.assert(property, { numRuns: 500, seed: 8 });
});
