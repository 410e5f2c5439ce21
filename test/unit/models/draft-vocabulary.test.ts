import { expect, test } from "vitest";
import type { TensorSource } from "../../../src/formats/tensor-source.js";
import { architectureOf } from "../../../src/models/architectures.js";
import { draftToTarget, readTargetIds, readTokenMap } from "../../../src/models/draft-vocabulary.js";
import { readJson } from "../../support/models.js";

const { parseConfig } = architectureOf({ modelType: "llama" });
const json = { ...readJson<object>("models/draft/config.json"), tie_word_embeddings: false, truncated_vocab_size: 3 };
const source = (d2t?: number[]) => ({ integers: async () => d2t }) as unknown as TensorSource;
const sizes = { vocabSize: 8, draftVocabSize: 3 };

test("a map that was written is read", async () => {
  const ids = Int32Array.of(1, 4, 7);
  expect(await readTargetIds(source([...draftToTarget(ids)].map(Number)), sizes, "draft")).toEqual(ids);
  expect(await readTargetIds(source(), { vocabSize: 8 }, "draft")).toBeUndefined();
});

test.each([
  ["no map", undefined, "draft has no d2t, which a vocabulary of 3 of 8 tokens needs"],
  ["a short map", [0, 0], "d2t has 2 entries, expected one for each of 3 tokens"],
  ["a map beyond", [0, 0, 6], "d2t makes token 2 8, outside the target's vocabulary of 8"],
  ["two of one", [1, 0, 0], "d2t makes two tokens 1: the weights are damaged"],
])("%s is refused", async (_, d2t, message) => {
  await expect(readTargetIds(source(d2t), sizes, "draft")).rejects.toThrow(message);
});

test("the tokens that Medusa heads can name", async () => {
  expect(await readTokenMap(source([5, 2, 9]), "heads")).toEqual(Int32Array.of(5, 2, 9));
  expect(await readTokenMap(source(), "heads")).toBeUndefined();
  const refused = (map: number[]) => expect(readTokenMap(source(map), "heads")).rejects;
  await refused([]).toThrow("heads: token_map is empty");
  await refused([3, 3]).toThrow("heads: token_map makes two tokens 3: the weights are damaged");
  await refused([3, -4]).toThrow("heads: token_map makes token 1 -4, outside the target's vocabulary");
});

test("config.json says how many tokens the logits are over", () => {
  expect(parseConfig(json, undefined, "config.json").draftVocabSize).toBe(3);
  expect(() => parseConfig({ ...json, truncated_vocab_size: 5000 }, undefined, "config.json")).toThrow(
    "truncated_vocab_size is 5000, expected at most vocab_size (4096)",
  );
  expect(() => parseConfig({ ...json, tie_word_embeddings: true }, undefined, "config.json")).toThrow(
    "tie_word_embeddings is true, expected false: logits are over truncated_vocab_size tokens, embeddings over more",
  );
});
