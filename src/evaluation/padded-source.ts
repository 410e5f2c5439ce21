import { createHash } from "node:crypto";
import { elementCount, type TensorInfo, type TensorSource } from "../formats/tensor-source.js";
import { UsageError } from "../types/errors.js";
import type { ModelConfig } from "../types/model-config.js";

/** The size that a model is padded to. Head dimension, vocabulary and depth order stay. */
export interface PaddedShape {
  hiddenSize: number;
  intermediateSize: number;
  numLayers: number;
  numHeads: number;
  numKvHeads: number;
}

/** About 133 M parameters with the embedded target's vocabulary: SmolLM2-135M's width. */
export const PAD_135M: PaddedShape = {
  hiddenSize: 576,
  intermediateSize: 1536,
  numLayers: 37,
  numHeads: 9,
  numKvHeads: 3,
};

/** About 509 M parameters. */
export const PAD_500M: PaddedShape = {
  hiddenSize: 1536,
  intermediateSize: 4096,
  numLayers: 20,
  numHeads: 24,
  numKvHeads: 8,
};

/**
 * A Llama widened with zero channels and deepened with layers whose output is zero: the cost of a large model, the text
 * of the small one. Added weights are random where zeros elsewhere keep them from having an effect. The norms' gains
 * and epsilon are rescaled, because the mean of squares runs over more channels.
 */
export function padded(
  source: TensorSource,
  config: ModelConfig,
  shape: PaddedShape,
): { source: TensorSource; config: ModelConfig } {
  const group = config.numHeads / config.numKvHeads;
  const fits =
    shape.hiddenSize >= config.hiddenSize &&
    shape.intermediateSize >= config.intermediateSize &&
    shape.numLayers >= config.numLayers &&
    shape.numKvHeads >= config.numKvHeads &&
    shape.numHeads / shape.numKvHeads >= group &&
    Number.isInteger(shape.numHeads / shape.numKvHeads);
  if (!fits || config.modelType !== "llama" || config.attentionBias || config.mlpBias) {
    throw new UsageError("only a Llama without biases can be padded, to a shape at least as large in every part");
  }
  const wide = { ...config, ...shape, rmsNormEps: (config.rmsNormEps * config.hiddenSize) / shape.hiddenSize };
  return { source: new PaddedSource(source, config, wide), config: wide };
}

type Axis = "hidden" | "intermediate" | "heads" | "kvHeads" | "vocabulary";

/** What stands in the rows that padding adds to a layer: "random" where nothing reads them or zeros follow. */
const MATRICES: Readonly<Record<string, { rows: Axis; columns: Axis; added: "zero" | "random" }>> = {
  "self_attn.q_proj": { rows: "heads", columns: "hidden", added: "random" },
  "self_attn.k_proj": { rows: "kvHeads", columns: "hidden", added: "random" },
  "self_attn.v_proj": { rows: "kvHeads", columns: "hidden", added: "zero" },
  "self_attn.o_proj": { rows: "hidden", columns: "heads", added: "zero" },
  "mlp.gate_proj": { rows: "intermediate", columns: "hidden", added: "random" },
  "mlp.up_proj": { rows: "intermediate", columns: "hidden", added: "zero" },
  "mlp.down_proj": { rows: "hidden", columns: "intermediate", added: "zero" },
  embed_tokens: { rows: "vocabulary", columns: "hidden", added: "zero" },
  lm_head: { rows: "vocabulary", columns: "hidden", added: "zero" },
};

/**
 * How a layer that padding adds adds nothing to the residual stream: its values are zero, and of the MLP's channels every
 * other one has no weights in up, the rest none in down. Whole matrices of zeros would be stored once for all layers.
 */
const IDLE: Readonly<Record<string, (row: number, column: number) => boolean>> = {
  "self_attn.v_proj": () => true,
  "mlp.up_proj": (row) => row % 2 === 1,
  "mlp.down_proj": (_, column) => column % 2 === 0,
};

class PaddedSource implements TensorSource {
  constructor(
    private readonly source: TensorSource,
    private readonly small: ModelConfig,
    private readonly wide: ModelConfig,
  ) {}

  *names(): Iterable<string> {
    const layers = Array.from({ length: this.wide.numLayers }, (_, i) => `model.layers.${i}.`);
    for (const name of this.source.names()) if (!name.startsWith("model.layers.")) yield name;
    for (const name of this.source.names()) {
      if (name.startsWith("model.layers.0.")) for (const layer of layers) yield name.replace("model.layers.0.", layer);
    }
  }

  info(name: string): TensorInfo | undefined {
    const { part, added } = this.parse(name);
    const original = this.source.info(added ? name.replace(/layers\.\d+\./, "layers.0.") : name);
    if (!original) return undefined;
    const matrix = MATRICES[part];
    const shape = matrix
      ? [this.size(this.wide, matrix.rows), this.size(this.wide, matrix.columns)]
      : [this.wide.hiddenSize];
    return { dtype: original.dtype, shape };
  }

  async readRows(name: string, start: number, count: number, into: Float32Array): Promise<void> {
    const { part, added } = this.parse(name);
    const matrix = MATRICES[part];
    if (!matrix) return this.readGain(name, added, start, count, into);
    const width = this.size(this.wide, matrix.columns);
    into.fill(0, 0, count * width);
    const random = () => {
      for (let i = 0; i < count; i++) randomise(into.subarray(i * width, (i + 1) * width), name, start + i);
    };
    if (added) {
      random();
      const idle = IDLE[part];
      if (idle) for (let i = 0; i < count * width; i++) if (idle(start + Math.floor(i / width), i % width)) into[i] = 0;
      return;
    }
    const rowOf = this.placement(matrix.rows);
    const columnOf = this.placement(matrix.columns);
    const smallWidth = columnOf.length;
    const original = new Float32Array(rowOf.length * smallWidth);
    await this.source.readRows(name, 0, rowOf.length, original);
    if (matrix.added === "random") random();
    rowOf.forEach((row, i) => {
      if (row < start || row >= start + count) return;
      const at = (row - start) * width;
      into.fill(0, at, at + width);
      columnOf.forEach((column, j) => {
        into[at + column] = original[i * smallWidth + j];
      });
    });
  }

  async digest(): Promise<string> {
    const shape = JSON.stringify([this.wide.hiddenSize, this.wide.intermediateSize, this.wide.numLayers]);
    return createHash("sha256")
      .update(`padded 2 ${await this.source.digest()} ${shape}`)
      .digest("hex");
  }

  close(): Promise<void> {
    return this.source.close();
  }

  private async readGain(name: string, added: boolean, start: number, count: number, into: Float32Array) {
    into.fill(1, 0, count);
    if (added) return;
    const small = this.small.hiddenSize;
    const gains = new Float32Array(elementCount([small]));
    await this.source.readRows(name, 0, small, gains);
    const scale = Math.sqrt(small / this.wide.hiddenSize);
    for (let i = start; i < Math.min(small, start + count); i++) into[i - start] = gains[i] * scale;
  }

  /** Where each index of the small model's axis stands in the wide one's. */
  private placement(axis: Axis): number[] {
    const { headDim } = this.small;
    const group = this.small.numHeads / this.small.numKvHeads;
    const wideGroup = this.wide.numHeads / this.wide.numKvHeads;
    return Array.from({ length: this.size(this.small, axis) }, (_, i) => {
      if (axis !== "heads") return i;
      const head = Math.floor(i / headDim);
      const wideHead = Math.floor(head / group) * wideGroup + (head % group);
      return wideHead * headDim + (i % headDim);
    });
  }

  private size(config: ModelConfig, axis: Axis): number {
    if (axis === "hidden") return config.hiddenSize;
    if (axis === "intermediate") return config.intermediateSize;
    if (axis === "vocabulary") return config.vocabSize;
    return config.headDim * (axis === "heads" ? config.numHeads : config.numKvHeads);
  }

  private parse(name: string): { part: string; added: boolean } {
    const match = /^model\.layers\.(\d+)\.(.*)\.weight$/.exec(name);
    if (match) return { part: match[2], added: Number(match[1]) >= this.small.numLayers };
    return { part: name.replace(/^model\./, "").replace(/\.weight$/, ""), added: false };
  }
}

/** Fills a row with numbers in [-0.05, 0.05) that depend on the tensor's name and the row. */
function randomise(values: Float32Array, name: string, row: number): void {
  let state = Math.imul(row + 1, 0x9e3779b1);
  for (let i = 0; i < name.length; i++) state = Math.imul(state ^ name.charCodeAt(i), 0x01000193);
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    values[i] = ((state >>> 0) / 2 ** 32 - 0.5) * 0.1;
  }
}
