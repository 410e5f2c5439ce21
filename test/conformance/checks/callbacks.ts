import { expect, test } from "vitest";
import type { LogitsProcessor, SingleOptions, StoppingCriteria } from "../../../src/index.js";
import { model, prompts, TARGET } from "../../support/models.js";
import { plainResults } from "../../support/plain.js";
import { some, tier } from "../../support/tier.js";
import type { Subject } from "../suite.js";

const texts = some(prompts(), tier(4, 2)).map(({ prompt }) => prompt);
const SAMPLINGS: Record<string, SingleOptions> = {
  greedy: { maxNewTokens: 24 },
  sampled: { maxNewTokens: 24, temperature: 0.8, topP: 0.95, seed: 5 },
};

/** Depends on the whole path: halves every logit whose id shares the parity of the sum of all ids so far. */
const byPath: LogitsProcessor = (ids, logits) => {
  const parity = ids.reduce((sum, id) => sum + id, 0) % 2;
  for (let i = parity; i < logits.length; i += 2) logits[i] = logits[i] > 0 ? logits[i] / 2 : logits[i] * 2;
};
/** Gives a new row; forbids the last token. */
const noRepeat: LogitsProcessor = (ids, logits) => logits.with(ids[ids.length - 1], Number.NEGATIVE_INFINITY);
const everySeventh: StoppingCriteria = (ids) => ids[ids.length - 1] % 7 === 3;

/** The user's own functions: the text is that of plain decoding with them. */
export function callbacks({ options: way, turn }: Subject): void {
  const samplings = tier(Object.keys(SAMPLINGS), [Object.keys(SAMPLINGS)[turn % 2]]);
  test.each(samplings)("processors see the path that they are on: %s", async (sampling) => {
    const options = { ...SAMPLINGS[sampling], logitsProcessor: [byPath, noRepeat] };
    const plain = await plainResults("q8", texts, options);
    const without = await plainResults("q8", texts, SAMPLINGS[sampling]);
    expect(plain.map(({ tokenIds }) => tokenIds)).not.toEqual(without.map(({ tokenIds }) => tokenIds));
    const target = await model(TARGET, "q8");
    const fast = await target.generate(texts, { ...options, ...(await way("q8")) });
    expect(fast.map(({ tokenIds }) => tokenIds)).toEqual(plain.map(({ tokenIds }) => tokenIds));
  });

  test("criteria are asked once for each token, in order", async () => {
    const options = { maxNewTokens: 40, stoppingCriteria: everySeventh };
    const plain = await plainResults("q8", texts, options);
    expect(plain.map(({ finishReason }) => finishReason)).toContain("criteria");
    const target = await model(TARGET, "q8");
    for (const [i, prompt] of texts.entries()) {
      const asked: number[][] = [];
      const asks: StoppingCriteria = (ids) => {
        asked.push([...ids]);
        return everySeventh(ids);
      };
      const fast = await target.generate(prompt, {
        maxNewTokens: 40,
        stoppingCriteria: [() => false, asks],
        ...(await way("q8")),
      });
      const { tokenIds, text, finishReason } = plain[i];
      expect(fast).toMatchObject({ tokenIds, text, finishReason });
      const ids = target.promptIds(prompt);
      expect(asked).toEqual(tokenIds.map((_, at) => [...ids, ...tokenIds.slice(0, at + 1)]));
    }
  });

  test("a processor that fails off the text fails nothing", async () => {
    const target = await model(TARGET, "q8");
    const plain = await plainResults("q8", texts, { maxNewTokens: 24 });
    const all = [...target.promptIds(texts[0]), ...plain[0].tokenIds];
    const onlyText: LogitsProcessor = (ids) => {
      if (!ids.every((id, i) => id === all[i])) throw new Error("off the text");
    };
    const options = { maxNewTokens: 24, ...(await way("q8")) };
    const { tokenIds } = await target.generate(texts[0], { ...options, logitsProcessor: onlyText });
    expect(tokenIds).toEqual(plain[0].tokenIds);
  });
}
