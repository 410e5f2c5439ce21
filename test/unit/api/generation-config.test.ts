import { expect, test } from "vitest";
import { modelDefaults, overDefaults } from "../../../src/api/generation-config.js";
import { LanguageModel } from "../../../src/index.js";
import { model, TARGET } from "../../support/models.js";

const LLAMA = {
  bos_token_id: 128000,
  do_sample: true,
  eos_token_id: [128001, 128008],
  temperature: 0.6,
  top_p: 0.9,
  transformers_version: "4.45.0.dev0",
  max_length: 131072,
  pad_token_id: null,
};

test("fields become options; what is not supported is named", () => {
  expect(modelDefaults(LLAMA, 8192)).toEqual({ options: { doSample: true, temperature: 0.6, topP: 0.9 }, leftOut: [] });
  const { options, leftOut } = modelDefaults(
    {
      top_k: 50,
      repetition_penalty: 1.1,
      max_new_tokens: 32,
      stop_strings: ["\n"],
      num_beams: 4,
      no_repeat_ngram_size: 0,
    },
    8192,
  );
  expect(options).toEqual({ doSample: false, topK: 50, repetitionPenalty: 1.1, maxNewTokens: 32, stopStrings: ["\n"] });
  expect(leftOut).toEqual(["num_beams 4"]);
  expect(modelDefaults({ max_length: 100, mystery: "\u001b" }, 8192).leftOut).toEqual([
    "max_length 100",
    'mystery "\\u001b"',
  ]);
  expect(() => modelDefaults({ temperature: "hot" }, 8192)).toThrow(
    "generation_config.json: temperature must be a number",
  );
});

test("given options win; a given temperature says whether to sample", () => {
  const defaults = modelDefaults(LLAMA, 8192);
  expect(overDefaults({ topP: 0.5 }, defaults)).toEqual({ doSample: true, temperature: 0.6, topP: 0.5 });
  expect(overDefaults({ temperature: 0 }, defaults)).toEqual({ temperature: 0, topP: 0.9 });
  expect(overDefaults({ doSample: false }, defaults).doSample).toBe(false);
});

test("generate heeds it when asked to, and only then", async () => {
  const target = await model(TARGET, "q8");
  const config = { do_sample: true, temperature: 0.9, top_k: 5, max_new_tokens: 7, num_beams: 2 };
  const own = new LanguageModel(target.model, target.tokenizer, undefined, config);
  const warnings: string[] = [];
  const listen = (warning: Error) => warnings.push(warning.message);
  process.on("warning", listen);
  const out = await own.generate("One day", { generationConfig: "model" });
  await own.generate("One day", { generationConfig: "model" });
  await new Promise(setImmediate);
  process.off("warning", listen);
  expect(out.tokenIds.length).toBe(7);
  const same = await target.generate("One day", { temperature: 0.9, topK: 5, maxNewTokens: 7, seed: out.seed });
  expect(same.tokenIds).toEqual(out.tokenIds);
  expect(warnings).toEqual(["generation_config.json: not supported and left out: num_beams 2"]);
  const greedy = await own.generate("One day", { maxNewTokens: 7 });
  expect(greedy.tokenIds).toEqual((await target.generate("One day", { maxNewTokens: 7 })).tokenIds);
  const none = new LanguageModel(target.model, target.tokenizer);
  await expect(none.generate("x", { generationConfig: "model" })).rejects.toThrow("has no generation_config.json");
});
