import { Tensor } from "../../runtime/tensor.js";

/** Elements of a block: the arrays of an update then stay in a core's cache from node to node (256 kB each). */
const BLOCK = 65_536;

/** Arrays of one length as tensors of blocks, the last one shorter. */
export function blocksOf<Name extends string>(arrays: Readonly<Record<Name, Float32Array>>): Record<Name, Tensor>[] {
  const entries = Object.entries(arrays) as [Name, Float32Array][];
  const { length } = entries[0][1];
  const blocks: Record<Name, Tensor>[] = [];
  for (let from = 0; from < length; from += BLOCK) {
    const to = Math.min(length, from + BLOCK);
    const block = entries.map(([name, array]) => [name, new Tensor(array.subarray(from, to), [to - from])]);
    blocks.push(Object.fromEntries(block));
  }
  return blocks;
}
