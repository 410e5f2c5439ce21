import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { elementCount } from "../../../src/formats/tensor-source.js";
import { openMedusaCheckpoint } from "../../../src/models/medusa/medusa-checkpoint.js";
import { HEADS_FILES, MEDUSA_LAYOUTS } from "../../../src/training/medusa/layouts.js";
import { HEADS, LAYERS, VOCABULARY, values, WIDTH, written } from "../../support/written-heads.js";

const cases = MEDUSA_LAYOUTS.flatMap((layout) =>
  [false, true].flatMap((shared) => (["F16", "BF16", "F32"] as const).map((type) => ({ layout, shared, type }))),
);
test.each(cases)("heads are read as they were written: %o", async ({ layout, shared, type }) => {
  const read = await openMedusaCheckpoint(await written(layout, shared, type));
  const { source, heads } = read;
  expect(read).toMatchObject({ hiddenSize: WIDTH, base: "../base", accuracies: [[0.5], [0.25]], holdsBase: false });
  const same = async (tensor: string, name: string) => {
    const { shape } = source.info(tensor)!;
    const into = new Float32Array(elementCount(shape));
    await source.readRows(tensor, 0, shape[0], into);
    expect(into, `${tensor} is ${name}`).toEqual(values.get(name));
  };
  for (const [i, { blocks, lmHead }] of heads.entries()) {
    for (const [j, { weight, bias }] of blocks.entries()) {
      await same(weight, `heads.${i}.blocks.${j}`);
      await same(bias!, `heads.${i}.blocks.${j}.bias`);
    }
    if (!shared) await same(lmHead!, `heads.${i}.lm_head`);
    else if (layout === "original") expect(lmHead).toBeUndefined();
    else await same(lmHead!, "base");
  }
  expect(heads.map(({ blocks }) => blocks.length)).toEqual([LAYERS, LAYERS]);
  await source.close();
});

/** As vllm/model_executor/models/medusa.py of 0.32 names its parameters, and what its configuration makes of config.json. */
test("vLLM finds every tensor and its counts", async () => {
  for (const shared of [false, true]) {
    const directory = await written("vllm", shared, "F16");
    const { source } = await openMedusaCheckpoint(directory);
    const config = JSON.parse(readFileSync(join(directory, "config.json"), "utf8"));
    const counts = Object.keys(config).filter((key) => key.includes("num"));
    expect(counts).toEqual(["num_heads", "num_hidden_layers"]);
    expect(config).toMatchObject({ medusa_fc_bias: true, original_lm_head: shared, truncated_vocab_size: VOCABULARY });
    const numbers = [0, 1];
    const parameters = numbers.flatMap((head) =>
      numbers.flatMap((layer) => ["weight", "bias"].map((part) => `blocks.${head}.layers.${layer}.${part}`)),
    );
    const heads = shared ? ["lm_heads.0.weight"] : numbers.map((head) => `lm_heads.${head}.weight`);
    expect([...source.names()].sort()).toEqual([...parameters, ...heads].sort());
    await source.close();
  }
});

/** As tensorrt_llm/models/medusa/weight.py reads them: every block, its bias, and a product for each head. */
test("TensorRT-LLM finds every tensor and its counts", async () => {
  const directory = await written("tensorrt-llm", true, "F16");
  expect(HEADS_FILES["tensorrt-llm"]).toBe("medusa_lm_head.pt");
  const config = JSON.parse(readFileSync(join(directory, "config.json"), "utf8"));
  expect(config).toMatchObject({ medusa_num_heads: HEADS, num_medusa_heads: HEADS, medusa_num_layers: LAYERS });
  const { source } = await openMedusaCheckpoint(directory);
  for (const head of [0, 1]) {
    for (const layer of [0, 1]) {
      for (const part of ["weight", "bias"]) expect(source.info(`${head}.${layer}.linear.${part}`)).toBeDefined();
    }
    expect(source.info(`${head}.${LAYERS}.weight`)?.shape).toEqual([VOCABULARY, WIDTH]);
  }
  await source.close();
});
