import { describe, expect, test } from "vitest";
import * as lookahead from "../support/faults/lookahead-faults.js";
import * as memory from "../support/faults/memory-faults.js";
import * as tree from "../support/faults/tree-faults.js";
import { prompts } from "../support/models.js";
import { flawsIn, type Planted, recordAll, wrongProposals } from "../support/proposal-checks.js";
import { CHECKED } from "../support/proposal-oracles.js";
import { tier } from "../support/tier.js";

/**
 * Would the checks of checks/proposals.ts notice? Faults are planted in drafters from outside, one at a time. The text stays
 * plain decoding's with every one of them. (Faults of verification: test/unit/verification/distribution.test.ts.)
 */
const PROMPTS = prompts()
  .filter((_, i) => i % 12 === 2)
  .map(({ prompt }) => prompt);
/** Faults in what is remembered show after a while only: there every prompt counts. */
const promptsFor = (name: string) => (/^(recycling|suffix)/.test(name) ? PROMPTS : tier(PROMPTS, [PROMPTS[1]]));

/** A method without a fault passes both checks; its output is what faulty ones must say too. */
async function healthyOutput(name: string) {
  const recordings = await recordAll(CHECKED[name], promptsFor(name));
  expect(flawsIn(recordings)).toEqual([]);
  expect(await wrongProposals(CHECKED[name], recordings)).toEqual([]);
  return recordings.map(({ output }) => output);
}

const healthy = new Map<string, ReturnType<typeof healthyOutput>>();
function outputOf(name: string) {
  const known = healthy.get(name) ?? healthyOutput(name);
  healthy.set(name, known);
  return known;
}

const WRONG: [what: string, of: string, planted: Planted][] = [
  ["it continues at the match", "ngram", { fault: tree.continuesAtTheMatch }],
  ["it continues at the match", "ngram, most frequent", { fault: tree.continuesAtTheMatch }],
  ["it continues at the match", "suffix", { fault: tree.continuesAtTheMatch }],
  ["the output is not learned", "suffix", { fault: memory.outputNotLearned }],
  ["heads are off by one", "medusa", { options: tree.headsShifted }],
  ["heads are off by one", "medusa, dynamic tree", { options: tree.headsShifted }],
  ["heads read the wrong hidden row", "medusa", { fault: tree.hiddenOfTheRoot }],
  ["a node has the wrong parent", "medusa", { fault: tree.underTheGrandparent }],
  ["a node has the wrong parent", "draft tree", { fault: tree.underTheGrandparent }],
  ["successors come from the wrong row", "recycling", { fault: memory.rowsOfTheTokenBefore }],
  ["successors come from a token's last row", "recycling", { fault: memory.lastRowWins }],
  ["the window is shifted by one column", "lookahead", { fault: lookahead.windowShifted }],
  ["rows of the window do not see it", "lookahead", { fault: lookahead.windowUnseen }],
  ["new n-grams are not added", "lookahead", { fault: lookahead.poolStale }],
  ["the pool keeps the oldest", "lookahead", { fault: lookahead.poolReversed }],
  ["the draft's cache is not rolled back", "draft chain", { fault: memory.notRolledBack }],
  ["rows of a level are mixed up", "draft tree", { options: memory.levelsMirrored }],
];

describe("the oracle notices, and it alone, when", () => {
  test.each(WRONG)("%s: %s", async (_, name, planted) => {
    const output = await outputOf(name);
    const recordings = await recordAll(CHECKED[name], promptsFor(name), planted);
    expect((await wrongProposals(CHECKED[name], recordings)).length).toBeGreaterThan(0);
    expect(flawsIn(recordings)).toEqual([]);
    expect(recordings.map((recording) => recording.output)).toEqual(output);
  });
});

const MALFORMED: [what: string, of: string, planted: Planted, flaw: RegExp][] = [
  ["the budget is ignored", "medusa", { fault: tree.budgetIgnored }, /candidates for a budget/],
  ["the budget is ignored", "draft tree", { fault: tree.budgetIgnored }, /candidates for a budget/],
  ["the limit of depth is ignored", "medusa", { fault: tree.depthIgnored }, /deep, at most/],
  ["the limit of depth is ignored", "draft chain", { fault: tree.depthIgnored }, /deep, at most/],
];

describe("the contract of plans is broken, and the oracle notices too, when", () => {
  test.each(MALFORMED)("%s: %s", async (_, name, planted, flaw) => {
    const output = await outputOf(name);
    const recordings = await recordAll(CHECKED[name], promptsFor(name), planted);
    expect(flawsIn(recordings).join("\n")).toMatch(flaw);
    expect((await wrongProposals(CHECKED[name], recordings)).length).toBeGreaterThan(0);
    expect(recordings.map((recording) => recording.output)).toEqual(output);
  });
});
