import { setImmediate as nextTurn } from "node:timers/promises";
import type { TensorSource } from "../formats/tensor-source.js";
import { type LinearSpec, TILE, type WeightSpec } from "../models/weight-spec.js";
import { isOnGrid } from "./block-grid.js";

/** The products that q4 holds in 4 bits. */
export function productsOf4Bits(specs: readonly WeightSpec[]): LinearSpec[] {
  return specs.filter((spec): spec is LinearSpec => spec.kind === "linear" && !spec.sensitive);
}

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

/** Whether the products' weights are blocks of 4 bits, by the first, middle and last row of each tensor: nothing is read whole. */
export async function seemOnGrid(source: TensorSource, products: readonly LinearSpec[]): Promise<boolean> {
  for (const product of products) {
    const row = new Float32Array(product.in);
    for (const { tensor, out } of product.parts) {
      for (const at of new Set([0, out >> 1, out - 1])) {
        await source.readRows(tensor, at, 1, row);
        if (!areBlocks(row, product.in)) return false;
      }
    }
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
