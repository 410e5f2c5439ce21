import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AutoModelForCausalLM, RuntimeError } from "../../src/index.js";
import { DRAFT, model, temporaryFolder } from "../support/models.js";

/** A context costs what is used of it. */
test("a context of millions loads at once and says the same; one that no memory holds is an error that says how much", async () => {
  const folder = join(temporaryFolder(), "long");
  cpSync(DRAFT, folder, { recursive: true });
  const path = join(folder, "config.json");
  const config = { ...JSON.parse(readFileSync(path, "utf8")), max_position_embeddings: 2e9 };
  writeFileSync(path, JSON.stringify(config));
  const prompt = Array.from({ length: 1000 }, (_, i) => (i * 7) % 4096);
  const options = { maxNewTokens: 12, speculation: { method: "recycling" } };
  const expected = await (await model(DRAFT, "q8")).generate(prompt, { ...options, speculation: { method: "none" } });
  // The first load converts.
  await (await AutoModelForCausalLM.fromPretrained(folder, { contextLength: 1024 })).dispose();
  const start = performance.now();
  const lm = await AutoModelForCausalLM.fromPretrained(folder, { contextLength: 2_000_000 });
  // All of the rotary tables would take six seconds.
  expect(performance.now() - start).toBeLessThan(3000);
  expect((await lm.generate(prompt, options)).tokenIds).toEqual(expected.tokenIds);
  await lm.dispose();
  const error = await AutoModelForCausalLM.fromPretrained(folder, { contextLength: 1_500_000_000 }).catch((e) => e);
  expect(error).toBeInstanceOf(RuntimeError);
  expect(error.message).toMatch(/^no memory for .* \d+ GB: lower contextLength$/);
});
