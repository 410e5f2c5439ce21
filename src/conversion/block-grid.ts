import { narrow, toFloat32 } from "../formats/half-floats.js";

/** Values of a block of 4 bits: minimum + scale q for q from 0 to 15; both are 16-bit floats, the scale may be negative. */
export interface BlockGrid {
  scale: number;
  minimum: number;
}

/** Steps between the least and the largest q. */
export const MOST_STEPS = 15;
/** Parts of a block's range that the 16 steps may span: values at its ends are rare, so less is often better. */
export const SPANS = [1, 0.95, 0.9, 0.85, 0.8];
/** Largest 16-bit float, smallest normal one, and what smaller ones are multiples of. */
export const MAX_HALF = 65_504;
const [MIN_NORMAL, DENORMAL_STEP] = [2 ** -14, 2 ** -24];

const wide = new Float32Array(1);
const wideBits = new Uint32Array(wide.buffer);
const bits = new Uint16Array(1);
const bytes = new Uint8Array(bits.buffer);

/** The nearest 16-bit float of a value within their range. */
export function half(value: number): number {
  wide[0] = value;
  narrow("F16", wide, bits, 0);
  toFloat32("F16", bytes, wide);
  return wide[0];
}

/** Whether a value is a 16-bit float. */
export function isHalf(value: number): boolean {
  wide[0] = value;
  if (wide[0] !== value) return false;
  const magnitude = Math.abs(value);
  if (magnitude < MIN_NORMAL) return Number.isInteger(value / DENORMAL_STEP);
  return magnitude <= MAX_HALF && (wideBits[0] & 0x1fff) === 0;
}

/**
 * The grid that the first `length` values lie on exactly, whichever of its 16 steps they use; undefined where there is none.
 * @param low the least of them
 * @param high the largest of them
 */
export function gridOf(block: Float32Array, length: number, low: number, high: number): BlockGrid | undefined {
  if (low === high) return gridOfOne(low);
  // Up to 15 steps of a 16-bit float have 15 bits at most: most blocks that lie on no grid are told by that.
  wide[0] = high - low;
  if (wide[0] !== high - low || (wideBits[0] & 0x1ff) !== 0) return undefined;
  for (let steps = MOST_STEPS; steps > 0; steps--) {
    const scale = (high - low) / steps;
    if (!isHalf(scale) || !allOn(block, length, low, scale)) continue;
    for (let unused = 0; unused <= MOST_STEPS - steps; unused++) {
      if (isHalf(low - unused * scale)) return { scale, minimum: low - unused * scale };
      if (isHalf(high + unused * scale)) return { scale: -scale, minimum: high + unused * scale };
    }
  }
  return undefined;
}

/** Whether the first `length` values lie on one. */
export function isOnGrid(block: Float32Array, length: number): boolean {
  let [low, high] = [block[0], block[0]];
  for (let i = 1; i < length; i++) {
    if (block[i] < low) low = block[i];
    else if (block[i] > high) high = block[i];
  }
  return gridOf(block, length, low, high) !== undefined;
}

function gridOfOne(value: number): BlockGrid | undefined {
  if (isHalf(value)) return { scale: 0, minimum: value };
  const minimum = half(value);
  return isHalf(value - minimum) ? { scale: value - minimum, minimum } : undefined;
}

/** Whether all values are `low` and a number of steps. */
function allOn(block: Float32Array, length: number, low: number, scale: number): boolean {
  for (let i = 0; i < length; i++) {
    const steps = (block[i] - low) / scale;
    if (!Number.isInteger(steps) || low + steps * scale !== block[i]) return false;
  }
  return true;
}
