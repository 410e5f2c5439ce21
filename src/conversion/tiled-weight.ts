import { narrow } from "../formats/half-floats.js";
import { TILE } from "../models/weight-spec.js";
import { CheckpointError } from "../types/errors.js";
import { type BlockGrid, gridOf, MAX_HALF, MOST_STEPS, half as nearestHalf, SPANS } from "./block-grid.js";
import type { PanelWriter } from "./quantise.js";

const { outputs: OUTPUTS, inputs: INPUTS } = TILE;
/** Where a 4-bit block's scales and minima lie, and an 8-bit block's scales. */
const SCALES_4 = (OUTPUTS * INPUTS) / 2;
const MINIMA_4 = SCALES_4 + 2 * OUTPUTS;
const SCALES_8 = OUTPUTS * INPUTS;

/**
 * 4 or 8 bits for SkinnyMatMul, in the order of native/src/product.h. 4 bits: scale and minimum for 32 inputs. Weights that are
 * of this form already (GGUF's Q4_0 and Q4_1, what `calibrate` writes) stay what they are; for others, of several spans the
 * one with the least squared error. 8 bits: a scale for 32 inputs, absmax/127.
 */
export class TiledWeight implements PanelWriter {
  readonly data: Uint8Array;
  readonly shape: readonly number[];
  private readonly blocks: number;
  private readonly blockBytes: number;
  private readonly block = new Float32Array(INPUTS);
  private readonly quantised = new Uint8Array(INPUTS);

  constructor(
    private readonly inWidth: number,
    outWidth: number,
    private readonly dtype: "q4" | "q8",
  ) {
    this.blocks = Math.ceil(inWidth / INPUTS);
    this.blockBytes = TILE.bytes[dtype];
    this.shape = [Math.ceil(outWidth / OUTPUTS), this.blocks, this.blockBytes];
    this.data = new Uint8Array(this.shape.reduce((product, n) => product * n, 1));
    // Signed weights are stored 128 too high, those beyond the last output and input too.
    if (dtype === "q8")
      for (let i = 0; i < this.data.length; i += this.blockBytes) this.data.fill(128, i, i + SCALES_8);
  }

  put(rows: Float32Array, first: number, count: number): void {
    const { block, inWidth, blocks, blockBytes } = this;
    for (let r = 0; r < count; r++) {
      const output = first + r;
      const tile = Math.floor(output / OUTPUTS);
      for (let b = 0; b < blocks; b++) {
        const start = r * inWidth + b * INPUTS;
        const length = Math.min(INPUTS, inWidth - b * INPUTS);
        for (let i = 0; i < INPUTS; i++) block[i] = i < length ? rows[start + i] : 0;
        const at = (tile * blocks + b) * blockBytes;
        if (this.dtype === "q4") this.put4(at, output % OUTPUTS, length);
        else this.put8(at, output % OUTPUTS);
      }
    }
  }

  private put8(at: number, output: number): void {
    const { block, data } = this;
    let largest = 0;
    for (let i = 0; i < INPUTS; i++) largest = Math.max(largest, Math.abs(block[i]));
    const scale = half(largest / 127);
    setHalf(data, at + SCALES_8 + 2 * output, scale);
    for (let i = 0; i < INPUTS; i++) {
      const q = scale === 0 ? 0 : Math.max(-127, Math.min(127, Math.round(block[i] / scale)));
      data[at + (i >> 2) * 64 + 4 * output + (i & 3)] = q + 128;
    }
  }

  private put4(at: number, output: number, length: number): void {
    const { data, quantised } = this;
    const { scale, minimum } = this.fit(length);
    this.round(scale, minimum, length);
    setHalf(data, at + SCALES_4 + 2 * output, scale);
    setHalf(data, at + MINIMA_4 + 2 * output, minimum);
    for (let i = 0; i < length; i++) {
      data[at + (i >> 3) * 64 + 4 * output + (i & 3)] |= quantised[i] << (i & 4);
    }
  }

  /** Scale and minimum, both 16-bit floats, for the block's first `length` values. */
  private fit(length: number): BlockGrid {
    const { block } = this;
    let [low, high] = [block[0], block[0]];
    for (let i = 1; i < length; i++) {
      if (block[i] < low) low = block[i];
      else if (block[i] > high) high = block[i];
    }
    const exact = gridOf(block, length, low, high);
    if (exact) return exact;
    let best = { scale: 0, minimum: 0 };
    let least = Number.POSITIVE_INFINITY;
    for (const span of SPANS) {
      const cut = ((1 - span) / 2) * (high - low);
      const scale = half((span * (high - low)) / MOST_STEPS);
      const minimum = half(low + cut);
      const error = this.round(scale, minimum, length);
      if (error < least) [best, least] = [{ scale, minimum }, error];
    }
    return best;
  }

  /** Rounds the block to 16 steps. Returns the squared error. */
  private round(scale: number, minimum: number, length: number): number {
    const { block, quantised } = this;
    let error = 0;
    for (let i = 0; i < length; i++) {
      const q = scale === 0 ? 0 : Math.max(0, Math.min(MOST_STEPS, Math.round((block[i] - minimum) / scale)));
      quantised[i] = q;
      const off = block[i] - (minimum + scale * q);
      error += off * off;
    }
    return error;
  }
}

const wide = new Float32Array(1);
const bits = new Uint16Array(1);
const bytes = new Uint8Array(bits.buffer);

/** The nearest 16-bit float. */
function half(value: number): number {
  if (Math.abs(value) > MAX_HALF) {
    throw new CheckpointError(`a weight of ${value} is beyond what q8 and q4 can hold (${MAX_HALF}): use dtype fp32`);
  }
  return nearestHalf(value);
}

/** Writes a value that is a 16-bit float. */
function setHalf(data: Uint8Array, at: number, value: number): void {
  wide[0] = value;
  narrow("F16", wide, bits, 0);
  data.set(bytes, at);
}
