import type { LanguageModel } from "../../api/language-model.js";
import { UsageError } from "../../types/errors.js";
import type { ModelConfig } from "../../types/model-config.js";
import { baseWeights } from "../base-weights.js";
import { rowsOfTokens } from "../draft-vocabulary.js";
import type { ParameterSet } from "../parameters.js";
import type { ChainShape } from "./chain-graphs.js";

/** The target's tensors that training reads but does not change. */
export interface TargetWeights {
  /** [vocabSize, hiddenSize] */
  embedding: Float32Array;
  /** [vocabSize, hiddenSize] */
  head: Float32Array;
  /** Of its first and its last layer, and the final norm. */
  layers: ReadonlyMap<string, Float32Array>;
}

const PARTS = ["attention_norm", "qkv", "qkv.bias", "o", "o.bias", "mlp_norm", "gate", "gate.bias", "up", "up.bias"];
const NAMES = [...PARTS, "down", "down.bias"];

/** @throws UsageError where the base was not loaded from a folder */
export async function readTarget(base: LanguageModel): Promise<TargetWeights> {
  const last = `layers.${base.config.numLayers - 1}`;
  const names = ["layers.0.qkv", ...NAMES.map((name) => `${last}.${name}`), "final_norm", "embedding", "lm_head"];
  const read = await baseWeights(base, names);
  const layers = new Map([...read].map(([name, values]) => [name.replace(`${last}.`, "last."), values]));
  const first = read.get("layers.0.qkv");
  if (!first || !read.has("lm_head"))
    throw new UsageError("the base's layers are not like Llama's: no start for heads");
  layers.set("first.qkv", first);
  return { embedding: read.get("embedding")!, head: read.get("lm_head")!, layers };
}

/** The target's output rows of the draft's vocabulary. */
export function teacherRows({ head }: TargetWeights, { config, targetIds }: Pick<ChainShape, "config" | "targetIds">) {
  return rowsOfTokens(head, targetIds, config.eagle!.targetHiddenSize);
}

/**
 * The layer begins as the target's last one: features are the last stream that is read, attention looks at it as that layer
 * does and at the token's embedding as the target's first does.
 */
export function startAsTarget(
  parameters: ParameterSet,
  config: ModelConfig,
  target: TargetWeights,
  teacher: Float32Array,
) {
  const { hiddenSize: D } = config;
  const own = new Map<string, Float32Array | undefined>([
    ["final_norm", target.layers.get("final_norm")],
    ["feature_norm", target.layers.get("last.attention_norm")],
    ["lm_head", teacher],
  ]);
  for (const { name, dims } of parameters.specs) {
    const values = parameters.valuesOf(name);
    const known = own.get(name) ?? target.layers.get(`last.${name}`);
    if (name === "fc") diagonal(values, D, dims[1], dims[1] - D);
    else if (name === "qkv") {
      beside(values, D, target.layers.get("first.qkv")!, 0);
      beside(values, D, target.layers.get("last.qkv")!, D);
    } else if (known) values.set(known);
    else values.fill(name.endsWith(".bias") ? 0 : 1);
  }
}

/** Ones from column `first` on. */
function diagonal(values: Float32Array, rows: number, columns: number, first: number): void {
  for (let i = 0; i < rows; i++) values[i * columns + first + i] = 1;
}

/** Writes a matrix [rows, D] into columns `first` to first + D of one [rows, 2 D]. */
function beside(values: Float32Array, D: number, matrix: Float32Array, first: number): void {
  for (let row = 0; row * D < matrix.length; row++) {
    values.set(matrix.subarray(row * D, (row + 1) * D), row * 2 * D + first);
  }
}
