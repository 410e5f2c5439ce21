import { Q4_BLOCK } from "../models/weight-spec.js";

/** A weight under conversion: takes panels of output rows [count, in] in order. */
export interface PanelWriter {
  /** Rows [first, first + count) of the weight, as in the checkpoint: [out, in]. */
  put(rows: Float32Array, first: number, count: number): void;
}

/** fp32 for MatMul: W^T [in, out]. */
export class Fp32Weight implements PanelWriter {
  readonly data: Float32Array;

  constructor(
    private readonly inWidth: number,
    private readonly outWidth: number,
  ) {
    this.data = new Float32Array(inWidth * outWidth);
  }

  put(rows: Float32Array, first: number, count: number): void {
    transpose(rows, this.data, first, count, this.inWidth, this.outWidth);
  }
}

/**
 * int8 for MatMulIntegerToFloat: W^T [in, out], one scale absmax/127 per output channel. Unsigned weights are the
 * signed ones + 128, for CPUs whose unsigned-signed products saturate.
 */
export class Q8Weight implements PanelWriter {
  readonly data: Int8Array | Uint8Array;
  readonly scales: Float32Array;
  private scratch = new Int8Array(0);

  constructor(
    private readonly inWidth: number,
    private readonly outWidth: number,
    private readonly signed: boolean,
  ) {
    this.data = signed ? new Int8Array(inWidth * outWidth) : new Uint8Array(inWidth * outWidth);
    this.scales = new Float32Array(outWidth);
  }

  put(rows: Float32Array, first: number, count: number): void {
    const { inWidth, scales } = this;
    if (this.scratch.length < count * inWidth) this.scratch = new Int8Array(count * inWidth);
    const q = this.scratch;
    const offset = this.signed ? 0 : 128;
    for (let r = 0; r < count; r++) {
      const start = r * inWidth;
      let largest = 0;
      for (let i = start; i < start + inWidth; i++) {
        const magnitude = Math.abs(rows[i]);
        if (magnitude > largest) largest = magnitude;
      }
      // Any positive scale serves a row of zeros.
      const scale = Math.fround(largest / 127) || 1;
      scales[first + r] = scale;
      for (let i = start; i < start + inWidth; i++) q[i] = clamp127(Math.round(rows[i] / scale)) + offset;
    }
    transpose(q, this.data, first, count, inWidth, this.outWidth);
  }
}

/** 4 bits for MatMulNBits: blocks of 32 along the input, scale m/-8 with m the value of largest magnitude, zero point 8. */
export class Q4Weight implements PanelWriter {
  readonly data: Uint8Array;
  readonly scales: Float32Array;
  readonly blocks: number;

  constructor(
    private readonly inWidth: number,
    outWidth: number,
  ) {
    this.blocks = Math.ceil(inWidth / Q4_BLOCK);
    this.data = new Uint8Array(outWidth * this.blocks * (Q4_BLOCK / 2));
    this.scales = new Float32Array(outWidth * this.blocks);
  }

  put(rows: Float32Array, first: number, count: number): void {
    for (let r = 0; r < count; r++) {
      for (let b = 0; b < this.blocks; b++) {
        const start = r * this.inWidth + b * Q4_BLOCK;
        const length = Math.min(Q4_BLOCK, this.inWidth - b * Q4_BLOCK);
        this.putBlock(rows, start, length, (first + r) * this.blocks + b);
      }
    }
  }

  private putBlock(rows: Float32Array, start: number, length: number, block: number): void {
    let extreme = 0;
    for (let i = start; i < start + length; i++) {
      if (Math.abs(rows[i]) > Math.abs(extreme)) extreme = rows[i];
    }
    const scale = Math.fround(extreme / -8);
    this.scales[block] = scale;
    const bytes = block * (Q4_BLOCK / 2);
    for (let i = 0; i < Q4_BLOCK; i++) {
      const value = i < length && scale !== 0 ? Math.round(rows[start + i] / scale) + 8 : 8;
      const nibble = Math.max(0, Math.min(15, value));
      this.data[bytes + (i >> 1)] |= nibble << (4 * (i & 1));
    }
  }
}

function clamp127(value: number): number {
  return Math.max(-127, Math.min(127, value));
}

/** Rows [count, width] into columns [first, first + count) of a matrix [width, stride], in tiles that fit the cache. */
function transpose(
  from: Float32Array | Int8Array,
  to: Float32Array | Int8Array | Uint8Array,
  first: number,
  count: number,
  width: number,
  stride: number,
): void {
  const TILE = 64;
  for (let r0 = 0; r0 < count; r0 += TILE) {
    const r1 = Math.min(count, r0 + TILE);
    for (let k = 0; k < width; k++) {
      const row = k * stride + first;
      for (let r = r0; r < r1; r++) to[row + r] = from[r * width + k];
    }
  }
}
