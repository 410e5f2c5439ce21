import { expect, test } from "vitest";
import { CallbackError, type GenerateOptions, type LogitsProcessor, type StoppingCriteria } from "../../src/index.js";
import { WAYS } from "../support/methods.js";
import { model, prompts, TARGET } from "../support/models.js";
import { plainResults } from "../support/plain.js";
import { some, tier } from "../support/tier.js";

/** logitsProcessor and stoppingCriteria as functions: the text is that of plain decoding with them, whoever drafts. */
const ways = Object.keys(WAYS).filter((name) => name !== "plain");
const dtype = "q8";
const texts = some(prompts(), tier(12, 2)).map(({ prompt }) => prompt);

/** Depends on the whole path: halves every logit whose id shares the parity of the sum of all ids so far. */
const byPath: LogitsProcessor = (ids, logits) => {
  const parity = ids.reduce((sum, id) => sum + id, 0) % 2;
  for (let i = parity; i < logits.length; i += 2) logits[i] = logits[i] > 0 ? logits[i] / 2 : logits[i] * 2;
};
/** Gives a new row; forbids the last token. */
const noRepeat: LogitsProcessor = (ids, logits) => logits.with(ids[ids.length - 1], Number.NEGATIVE_INFINITY);

const choosing: [string, GenerateOptions][] = [
  ["greedy", { maxNewTokens: 32 }],
  ["sampled", { maxNewTokens: 32, temperature: 0.8, topP: 0.95, seed: 5 }],
];

async function compare(way: string, options: GenerateOptions, key: object) {
  const target = await model(TARGET, dtype);
  const plain = await plainWith(options, key);
  const results = await target.generate(texts, { ...options, ...(await WAYS[way].options(dtype)) });
  expect(results.map(({ tokenIds }) => tokenIds)).toEqual(plain.map(({ tokenIds }) => tokenIds));
  expect(results.map(({ text }) => text)).toEqual(plain.map(({ text }) => text));
  expect(results.map(({ finishReason }) => finishReason)).toEqual(plain.map(({ finishReason }) => finishReason));
  return { plain, results };
}

const known = new Map<string, ReturnType<typeof plainResults>>();
/** Functions are no data: what is known is found by a name given for them. */
function plainWith(options: GenerateOptions, key: object) {
  const name = JSON.stringify(key);
  const found = known.get(name) ?? plainOf(options);
  known.set(name, found);
  return found;
}
async function plainOf(options: GenerateOptions) {
  return (await model(TARGET, dtype)).generate(texts, { ...options, speculation: { method: "none" } });
}

for (const [how, options] of choosing) {
  test.each(ways)(`processors see the path that they are on, ${how}: %s`, async (way) => {
    const { plain } = await compare(way, { ...options, logitsProcessor: [byPath, noRepeat] }, { how, processors: 2 });
    const without = await plainResults(dtype, texts, options);
    expect(plain.map(({ tokenIds }) => tokenIds)).not.toEqual(without.map(({ tokenIds }) => tokenIds));
  });
}

test.each(ways)("criteria are asked once for each token, in order: %s", async (way) => {
  const asked: number[][] = [];
  const criteria =
    (lengths: number[][]): StoppingCriteria =>
    (ids) => {
      lengths.push([...ids]);
      return ids[ids.length - 1] % 7 === 3;
    };
  const options = { maxNewTokens: 40, stoppingCriteria: criteria([]) };
  const { plain } = await compare(way, options, { criteria: 7 });
  expect(plain.map(({ finishReason }) => finishReason)).toContain("criteria");
  const target = await model(TARGET, dtype);
  const [prompt] = texts;
  const { tokenIds } = await target.generate(prompt, {
    ...options,
    stoppingCriteria: [() => false, criteria(asked)],
    ...(await WAYS[way].options(dtype)),
  });
  const ids = target.promptIds(prompt);
  expect(asked).toEqual(tokenIds.map((_, i) => [...ids, ...tokenIds.slice(0, i + 1)]));
});

test.each(ways)("a processor that fails off the text fails nothing: %s", async (way) => {
  const [prompt] = texts;
  const target = await model(TARGET, dtype);
  const all = [...target.promptIds(prompt), ...(await plainResults(dtype, texts, { maxNewTokens: 32 }))[0].tokenIds];
  const onlyText: LogitsProcessor = (ids) => {
    if (!ids.every((id, i) => id === all[i])) throw new Error("off the text");
  };
  const options = { maxNewTokens: 32, ignoreEos: true, ...(await WAYS[way].options(dtype)) };
  const { tokenIds } = await target.generate(prompt, { ...options, logitsProcessor: onlyText });
  expect(tokenIds.slice(0, all.length - target.promptIds(prompt).length)).toEqual(
    all.slice(target.promptIds(prompt).length).slice(0, tokenIds.length),
  );
});

test("what the user's functions do wrong ends their output with one line", async () => {
  const target = await model(TARGET, dtype);
  const wrong: [GenerateOptions, string][] = [
    [{ logitsProcessor: () => new Float32Array(3) }, "logitsProcessor must give a Float32Array of"],
    [{ logitsProcessor: async () => {} } as never, "logitsProcessor must give a Float32Array of"],
    [{ logitsProcessor: (_, logits) => logits.fill(Number.NaN) }, "logitsProcessor left a logit of NaN"],
    [{ logitsProcessor: () => JSON.parse("{") }, "logitsProcessor failed: "],
    [{ logitsProcessor: (_, logits) => logits.fill(Number.NEGATIVE_INFINITY) }, "every token is forbidden"],
    [{ stoppingCriteria: () => 1 as never }, "stoppingCriteria must give true or false, got 1"],
    [{ stoppingCriteria: () => JSON.parse("{") }, "stoppingCriteria failed: "],
  ];
  for (const [options, says] of wrong) {
    for (const method of ["none", "ngram"]) {
      const failed = target.generate("One day", { maxNewTokens: 4, ...options, speculation: { method } });
      await expect(failed).rejects.toThrow(says);
    }
  }
  await expect(target.generate("x", { logitsProcessor: () => JSON.parse("{") })).rejects.toBeInstanceOf(CallbackError);
  expect((await target.generate("One day", { maxNewTokens: 4 })).tokenIds).toHaveLength(4);
});
