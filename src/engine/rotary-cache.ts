import { fillRotary, inverseFrequencies } from "../models/rotary.js";
import { Tensor } from "../runtime/tensor.js";
import type { ModelConfig } from "../types/model-config.js";
import { allocateFloats } from "./allocate.js";

/** Positions that are computed at once. */
const BLOCK = 1024;

/** Rotary tables for a whole context, computed as far as passes have come: a context of millions costs nothing unused. */
export class RotaryCache {
  readonly cos: Tensor;
  readonly sin: Tensor;
  private readonly tables: { cos: Float32Array; sin: Float32Array };
  private readonly frequencies: Float32Array;
  private filled = 0;

  constructor(
    config: ModelConfig,
    private readonly positions: number,
  ) {
    this.frequencies = inverseFrequencies(config);
    const dims = [positions, this.frequencies.length];
    const floats = () => allocateFloats(dims[0] * dims[1], `rotary tables of ${positions} positions`);
    this.tables = { cos: floats(), sin: floats() };
    this.cos = new Tensor(this.tables.cos, dims);
    this.sin = new Tensor(this.tables.sin, dims);
  }

  /** Makes the rows of positions below `end` valid. Called before every pass. */
  reach(end: number): void {
    if (end <= this.filled) return;
    const to = Math.min(this.positions, Math.ceil(end / BLOCK) * BLOCK);
    fillRotary(this.tables, this.frequencies, this.filled, to);
    this.filled = to;
  }

  dispose(): void {
    this.cos.dispose();
    this.sin.dispose();
  }
}
