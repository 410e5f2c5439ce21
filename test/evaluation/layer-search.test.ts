import { expect, test } from "vitest";
import { CausalLM } from "../../src/engine/causal-lm.js";
import { logitsOf } from "../../src/exactness/row-invariance.js";
import { searchSkippedLayers } from "../../src/index.js";
import { model, prompts, TARGET } from "../support/models.js";

const texts = async () => {
  const { tokenizer } = await model(TARGET, "q8");
  return prompts()
    .slice(0, 4)
    .map(({ prompt }) => tokenizer!.encode(prompt));
};

test("the layer that is missed least, told with how often the rest agrees", async () => {
  const target = await model(TARGET, "q8");
  const ids = await texts();
  const likeliest = async (lm: CausalLM) =>
    (await Promise.all(ids.map((text) => logitsOf(lm, text, 8)))).flat().map((row) => row.indexOf(Math.max(...row)));
  const wanted = await likeliest(target.model);
  const agreements: number[] = [];
  for (let layer = 0; layer < target.config.numLayers; layer++) {
    await using skipping = await target.model.openWithoutLayers([layer]);
    const found = await likeliest(skipping);
    agreements.push(found.filter((token, i) => token === wanted[i]).length / wanted.length);
  }
  const best = Math.max(...agreements);
  const found = await searchSkippedLayers(target, ids, 1);
  expect(found).toEqual({ skipLayers: [agreements.indexOf(best)], agreement: best });
});

test("what it finds drafts losslessly; what it tried is released; progress reaches its total", async () => {
  const target = await model(TARGET, "q8");
  const load = CausalLM.load;
  let [opened, disposed] = [0, 0];
  CausalLM.load = async (options) => {
    const lm = await load.call(CausalLM, options);
    opened++;
    const dispose = lm.dispose.bind(lm);
    lm.dispose = () => {
      disposed++;
      return dispose();
    };
    return lm;
  };
  const progress: [number, number][] = [];
  const found = await searchSkippedLayers(target, await texts(), 2, (...done) => progress.push(done));
  CausalLM.load = load;
  const { numLayers } = target.config;
  expect([opened, disposed]).toEqual([2 * numLayers - 1, 2 * numLayers - 1]);
  expect(progress.at(-1)).toEqual([2 * numLayers - 1, 2 * numLayers - 1]);
  expect(new Set(found.skipLayers).size).toBe(2);
  const { prompt } = prompts()[9];
  const plain = await target.generate(prompt, { maxNewTokens: 24, speculation: { method: "none" } });
  const speculation = { method: "layer-skip", skipLayers: found.skipLayers };
  const fast = await target.generate(prompt, { maxNewTokens: 24, speculation });
  expect(fast.tokenIds).toEqual(plain.tokenIds);
  expect(fast.stats.acceptedTokens).toBeGreaterThan(0);
});

test("what cannot be searched is refused", async () => {
  const lm = await model(TARGET, "q8");
  await expect(searchSkippedLayers({} as never, [[1]], 1)).rejects.toThrow("searchSkippedLayers needs a loaded model");
  await expect(searchSkippedLayers(lm, [[1, 2]], 6)).rejects.toThrow("layers to skip must be 1 to 5, got 6");
  await expect(searchSkippedLayers(lm, [[1]], 1)).rejects.toThrow("give texts of at least two tokens");
  const long = new Array(lm.contextLength + 1).fill(300);
  await expect(searchSkippedLayers(lm, [long], 1)).rejects.toThrow(`the context is ${lm.contextLength}: cut it`);
});
