import { expect, test } from "vitest";
import { CallbackError, type GenerateOptions } from "../../../src/index.js";
import { DRAFT, model } from "../../support/models.js";

/** What callbacks do right, with every method, is in test/conformance/checks/callbacks.ts. */
const wrong: [string, GenerateOptions, string][] = [
  ["a short row", { logitsProcessor: () => new Float32Array(3) }, "logitsProcessor must give a Float32Array of"],
  ["a promise", { logitsProcessor: async () => {} } as never, "logitsProcessor must give a Float32Array of"],
  ["NaN", { logitsProcessor: (_, logits) => logits.fill(Number.NaN) }, "logitsProcessor left a logit of NaN"],
  ["a processor throws", { logitsProcessor: () => JSON.parse("{") }, "logitsProcessor failed: "],
  ["no boolean", { stoppingCriteria: () => 1 as never }, "stoppingCriteria must give true or false, got 1"],
  ["a criterion throws", { stoppingCriteria: () => JSON.parse("{") }, "stoppingCriteria failed: "],
];

for (const method of ["none", "ngram"]) {
  test.each(wrong)(`%s is an error in one line (${method})`, async (_, options, says) => {
    const target = await model(DRAFT, "q8");
    const failed = await target
      .generate("One day", { maxNewTokens: 4, ...options, speculation: { method } })
      .catch((error) => error);
    expect(failed).toBeInstanceOf(CallbackError);
    expect(failed.message).toContain(says);
    expect((await target.generate("One day", { maxNewTokens: 4 })).tokenIds).toHaveLength(4);
  });
}

test("a processor that forbids everything is told so", async () => {
  const target = await model(DRAFT, "q8");
  const all = {
    logitsProcessor: (_: readonly number[], logits: Float32Array) => logits.fill(Number.NEGATIVE_INFINITY),
  };
  await expect(target.generate("One day", all)).rejects.toThrow("every token is forbidden");
});
