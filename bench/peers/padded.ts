/**
 * Writes the embedded target, padded to the cost of a larger model, as a Hugging Face directory: what llama.cpp is given so
 * that the embedded draft drafts for the same weights in both.
 *
 *   npm run build:bench && node build/bench/peers/padded.js --size 500M --out DIR
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { padded } from "../../src/evaluation/padded-source.js";
import { readJson } from "../../src/files/json.js";
import { SafetensorsWriter } from "../../src/formats/safetensors/stream-writer.js";
import { elementCount } from "../../src/formats/tensor-source.js";
import { openCheckpoint } from "../../src/models/checkpoint/checkpoint.js";
import { WEIGHTS_FILE, writeDecoderFiles } from "../../src/training/write-decoder.js";
import { listFlag } from "../harness.js";
import { SHAPES, TARGET } from "../models.js";

const [out] = listFlag("out", []);
const [size] = listFlag("size", ["500M"]) as (keyof typeof SHAPES)[];
if (!out || !SHAPES[size]) throw new Error(`give --out DIR, and --size ${Object.keys(SHAPES).join(" or ")}`);
const { source, config } = await openCheckpoint(TARGET);
const wide = padded(source, config, SHAPES[size]);
mkdirSync(out, { recursive: true });
const { hiddenSize, intermediateSize, numLayers, numHeads, numKvHeads, headDim, rmsNormEps } = wide.config;
await writeDecoderFiles(out, {
  json: {
    ...(await readJson(join(TARGET, "config.json"))),
    ...{ hidden_size: hiddenSize, intermediate_size: intermediateSize, num_hidden_layers: numLayers },
    ...{ num_attention_heads: numHeads, num_key_value_heads: numKvHeads, head_dim: headDim, rms_norm_eps: rmsNormEps },
  },
  type: "BF16",
  tokenizerFrom: TARGET,
  card: `# The embedded target of Foretoken, padded to the cost of ${size} parameters\n`,
});
const names = [...wide.source.names()];
const heads = names.map((name) => ({ name, shape: wide.source.info(name)!.shape, dtype: "BF16" as const }));
const writer = await SafetensorsWriter.create(join(out, WEIGHTS_FILE), heads);
for (const { name, shape } of heads) {
  const values = new Float32Array(elementCount(shape));
  await wide.source.readRows(name, 0, shape[0], values);
  await writer.write(name, values);
}
await writer.finish();
await wide.source.close();
