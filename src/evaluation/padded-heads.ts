import { withTensor } from "../api/base-of-heads.js";
import { eagleHeadsFrom } from "../api/eagle-model.js";
import type { LanguageModel } from "../api/language-model.js";
import { medusaHeadsFrom } from "../api/medusa-model.js";
import type { EagleHeads } from "../engine/eagle-heads.js";
import type { MedusaHeads } from "../engine/medusa-heads.js";
import type { TensorInfo, TensorSource } from "../formats/tensor-source.js";
import { openCheckpoint } from "../models/checkpoint/checkpoint.js";
import { EMBEDDING } from "../models/checkpoint/tensor-names.js";
import { openEagleCheckpoint } from "../models/eagle/eagle-checkpoint.js";
import { openMedusaCheckpoint } from "../models/medusa/medusa-checkpoint.js";
import { UsageError } from "../types/errors.js";

/** Medusa heads of a model for the same model padded: the added channels are zero before and after them. */
export async function paddedMedusaHeads(directory: string, base: LanguageModel): Promise<MedusaHeads> {
  const checkpoint = await openMedusaCheckpoint(directory);
  const { heads, hiddenSize: narrow } = checkpoint;
  const wide = base.config.hiddenSize;
  const blocks = heads.flatMap((head) => head.blocks.flatMap(({ weight, bias }) => (bias ? [weight, bias] : [weight])));
  const source = new WidenedSource(checkpoint.source, { narrow, wide, rows: new Set(blocks), columns: () => true });
  return medusaHeadsFrom({ ...checkpoint, source, hiddenSize: wide }, base);
}

/**
 * EAGLE-3 heads of a model for the same model padded: they keep their size, and read nothing from the added channels.
 * @param narrow folder of the model that was padded, whose embedding the heads read
 * @throws UsageError for heads that norm the target's streams, which added channels would change
 */
export async function paddedEagleHeads(directory: string, base: LanguageModel, narrow: string): Promise<EagleHeads> {
  const checkpoint = await openEagleCheckpoint(directory);
  const { eagle } = checkpoint.config;
  if (eagle.fcNorm || eagle.normBeforeFc) {
    throw new UsageError("only EAGLE-3 heads without norms before fc can serve a padded model");
  }
  const wide = base.config.hiddenSize;
  const widths = { narrow: eagle.targetHiddenSize, wide, rows: new Set<string>() };
  const fused = new WidenedSource(checkpoint.source, { ...widths, columns: (name) => name === "fc.weight" });
  const source = checkpoint.ownEmbedding
    ? fused
    : withTensor(fused, "embed_tokens.weight", (await openCheckpoint(narrow)).source, EMBEDDING);
  const config = { ...checkpoint.config, eagle: { ...eagle, targetHiddenSize: wide } };
  return eagleHeadsFrom({ ...checkpoint, config, source, ownEmbedding: true }, base);
}

interface Widening {
  /** Channels of the model, before and after. */
  narrow: number;
  wide: number;
  /** Tensors whose rows are channels. */
  rows: ReadonlySet<string>;
  /** Whether a tensor's columns are channels, once or several times side by side. */
  columns(name: string): boolean;
}

/** Tensors with zeros where they meet channels that padding has added. */
class WidenedSource implements TensorSource {
  constructor(
    private readonly source: TensorSource,
    private readonly by: Widening,
  ) {}

  names(): Iterable<string> {
    return this.source.names();
  }

  info(name: string): TensorInfo | undefined {
    const original = this.source.info(name);
    if (!original) return undefined;
    const { narrow, wide, rows, columns } = this.by;
    const [height, ...width] = original.shape;
    const widened = width.map((size) => (columns(name) ? (size / narrow) * wide : size));
    return { ...original, shape: [rows.has(name) ? wide : height, ...widened] };
  }

  async readRows(name: string, start: number, count: number, into: Float32Array): Promise<void> {
    const [height, width = 1] = this.source.info(name)!.shape;
    const wideWidth = this.info(name)!.shape[1] ?? 1;
    const there = Math.max(0, Math.min(count, height - start));
    const values = new Float32Array(there * width);
    if (there > 0) await this.source.readRows(name, start, there, values);
    into.fill(0, 0, count * wideWidth);
    const { narrow, wide } = width === wideWidth ? { narrow: width, wide: width } : this.by;
    for (let row = 0; row < there; row++) {
      for (let part = 0; part * narrow < width; part++) {
        const from = row * width + part * narrow;
        into.set(values.subarray(from, from + narrow), row * wideWidth + part * wide);
      }
    }
  }

  async digest(): Promise<string> {
    return `widened to ${this.by.wide} ${await this.source.digest()}`;
  }

  close(): Promise<void> {
    return this.source.close();
  }
}
