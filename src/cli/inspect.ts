import { join } from "node:path";
import { checkTensors, sourceTensors } from "../conversion/convert.js";
import { type DefaultDtype, defaultDtype } from "../conversion/default-dtype.js";
import { knownExactness } from "../exactness/exactness.js";
import { elementCount } from "../formats/tensor-source.js";
import { cacheDirectory, DTYPES, type Dtype, type Exactness } from "../index.js";
import { architectureOf } from "../models/architectures.js";
import { openCheckpoint } from "../models/checkpoint/checkpoint.js";
import { cacheBytesPerToken } from "../models/onnx/cache-form.js";
import { BYTES_PER_WEIGHT } from "../models/weight-spec.js";
import { CACHE_DTYPES, type CacheDtype, logitCount, type ModelConfig } from "../types/model-config.js";
import { escaped } from "../types/shown.js";
import { warn } from "../types/warn.js";
import type { Arguments, Command } from "./command.js";
import { exactnessWords } from "./exactness.js";
import { OUTPUT_FLAGS } from "./flags.js";
import { methodOfHeads } from "./heads.js";
import { inspectEagle } from "./inspect-eagle.js";
import { EMBEDDED_TARGET } from "./models.js";
import { byteSize, table } from "./terminal.js";

const CONTEXTS = [512, 1024, 2048, 4096, 8192, 32_768, 131_072];

export const inspectCommand: Command = {
  name: "inspect",
  summary: "Shows what a checkpoint is: shapes, parameters, memory by dtype and context, exactness where it is known.",
  usage: "[DIR] [options]",
  words: 1,
  flags: { ...OUTPUT_FLAGS },
  examples: [
    ["foretoken inspect", "the embedded target"],
    [
      "foretoken inspect ./EAGLE3-LLaMA3.1-Instruct-8B",
      "EAGLE-3 heads: what they read of their target, which tokens they name",
    ],
    ["foretoken inspect ./SmolLM2-135M-Instruct --json", "a checkpoint of yours, for a script"],
  ],
  run,
};

async function run({ words, flags }: Arguments): Promise<void> {
  if (words[0] !== undefined && methodOfHeads(words[0]) === "eagle") {
    process.stdout.write(await inspectEagle(words[0], flags.json === true));
    return;
  }
  const { config, source, directory } = await openCheckpoint(
    words[0] ?? EMBEDDED_TARGET,
    join(cacheDirectory(), "digests"),
    warn,
  );
  try {
    const specs = architectureOf(config).weightSpecs(config);
    checkTensors(source, specs);
    let parameters = 0;
    const storedAs = new Set<string>();
    // Those that the model uses: files may hold buffers, heads of Medusa and more.
    const used = new Set(specs.flatMap((spec) => [...sourceTensors(spec)].map(([name]) => name)));
    for (const name of used) {
      const info = source.info(name)!;
      parameters += elementCount(info.shape);
      storedAs.add(info.dtype);
    }
    const weights = Object.fromEntries(DTYPES.map((dtype) => [dtype, weightBytes(specs, dtype)]));
    const contexts = CONTEXTS.filter((length) => length <= config.maxPositionEmbeddings);
    const cache = Object.fromEntries(contexts.map((length) => [length, cacheBytes(config, length)]));
    const exactness = await knownExactness(source, config);
    const unlessTold = await defaultDtype(source, specs);
    const summary = {
      ...{ directory, config, parameters, storedAs: [...storedAs] },
      ...{ weightBytes: weights, cacheBytes: cache, exactness, defaultDtype: unlessTold },
    };
    if (flags.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
    else process.stdout.write(describe(summary));
  } finally {
    await source.close();
  }
}

interface Summary {
  directory: string;
  config: ModelConfig;
  parameters: number;
  storedAs: string[];
  weightBytes: Record<string, number>;
  cacheBytes: Record<string, Record<CacheDtype, number>>;
  exactness: Record<Dtype, Exactness>;
  defaultDtype: DefaultDtype;
}

function describe(summary: Summary): string {
  const { directory, config, parameters, storedAs, weightBytes, cacheBytes, exactness, defaultDtype } = summary;
  const rope = config.ropeScaling ? `${config.ropeScaling.type} x${config.ropeScaling.factor}` : "unscaled";
  const facts = [
    ["architecture", config.modelType],
    ["parameters", `${(parameters / 1e6).toFixed(2)} M, stored as ${storedAs.join(", ")}`],
    ["layers", `${config.numLayers} of width ${config.hiddenSize}, MLP ${config.intermediateSize}`],
    ["attention", `${config.numHeads} heads of ${config.headDim}, ${config.numKvHeads} for keys and values`],
    ["vocabulary", vocabularyWords(config)],
    ["context", `${config.maxPositionEmbeddings} (rotary theta ${config.ropeTheta}, ${rope})`],
    ["end of sequence", config.eosTokenIds.join(", ") || "none"],
    ["default dtype", `${defaultDtype.dtype}: ${defaultDtype.reason}`],
  ];
  const caches = Object.entries(cacheBytes).map(([length, sizes]) => [length, ...Object.values(sizes).map(byteSize)]);
  return `${escaped(directory)}\n\n${facts.map(([name, text]) => `${name.padEnd(16)} ${text}`).join("\n")}\n\n${table([
    ["weights", "memory", "exactness on this CPU"],
    ...DTYPES.map((dtype) => [dtype, byteSize(weightBytes[dtype]), exactnessWords(exactness[dtype])]),
  ])}\n${table([["context", ...CACHE_DTYPES.map((dtype) => `${dtype} cache`)], ...caches])}`;
}

function vocabularyWords(config: ModelConfig): string {
  const { vocabSize, tieWordEmbeddings } = config;
  const known = logitCount(config);
  if (known < vocabSize) return `${vocabSize}, of which it names ${known}, by d2t: a draft`;
  return `${vocabSize}, ${tieWordEmbeddings ? "tied" : "untied"} embeddings`;
}

/** Bytes of a sequence's keys and values. */
function cacheBytes(config: ModelConfig, length: number): Record<CacheDtype, number> {
  const sizes = CACHE_DTYPES.map((dtype) => [dtype, length * cacheBytesPerToken(config, dtype)]);
  return Object.fromEntries(sizes) as Record<CacheDtype, number>;
}

/** Bytes of the weights as a dtype holds them; the embedding table keeps two bytes a value at least. */
function weightBytes(specs: ReturnType<ReturnType<typeof architectureOf>["weightSpecs"]>, dtype: Dtype): number {
  const perWeight = BYTES_PER_WEIGHT[dtype];
  let bytes = 0;
  for (const spec of specs) {
    if (spec.kind === "linear")
      bytes += spec.in * spec.out * (spec.sensitive ? Math.max(perWeight, BYTES_PER_WEIGHT.q8) : perWeight);
    else if (spec.kind === "vector") bytes += 4 * spec.length;
    else if (spec.kind === "embedding") bytes += 2 * spec.rows * spec.columns;
  }
  return Math.round(bytes);
}
