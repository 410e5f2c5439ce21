import { setImmediate as nextTurn } from "node:timers/promises";
import { isOnGrid } from "../conversion/block-grid.js";
import type { TensorSource } from "../formats/tensor-source.js";
import { type LinearSpec, TILE } from "../models/weight-spec.js";

/** The names of those products whose weights are blocks of 4 bits already: q4 holds them exactly. */
export async function productsOnGrid(
  source: TensorSource,
  products: readonly LinearSpec[],
  signal?: AbortSignal,
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const product of products) {
    if (await holdsBlocks(source, product)) found.add(product.name);
    signal?.throwIfAborted();
    await nextTurn();
  }
  return found;
}

async function holdsBlocks(source: TensorSource, product: LinearSpec): Promise<boolean> {
  for (const { tensor, out } of product.parts) {
    const values = new Float32Array(out * product.in);
    await source.readRows(tensor, 0, out, values);
    if (!areBlocks(values, product.in)) return false;
  }
  return true;
}

/** Whether all blocks of 32 inputs of the rows [rows, width] lie on grids. */
export function areBlocks(rows: Float32Array, width: number): boolean {
  for (let row = 0; row < rows.length; row += width) {
    for (let i = 0; i < width; i += TILE.inputs) {
      const block = rows.subarray(row + i, row + Math.min(width, i + TILE.inputs));
      if (!isOnGrid(block, block.length)) return false;
    }
  }
  return true;
}
