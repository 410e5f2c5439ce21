import { elementCount } from "../formats/tensor-source.js";
import type { StoredType, WeightManifest } from "../models/weight-spec.js";

/** Products read packed weights with aligned loads (a crash otherwise), and mappings begin at pages. */
export const ALIGNMENT = 4096;

const BYTES: Readonly<Record<StoredType, number>> = { f32: 4, f16: 2, bf16: 2, u8: 1, i8: 1 };

/**
 * What is wrong with a manifest for a weight file of `size` bytes, or undefined. Tensors and packed forms begin at
 * aligned offsets and follow each other without a gap, from the start of the file to its end.
 */
export function layoutFault(manifest: WeightManifest, size: number): string | undefined {
  try {
    return faultOf(manifest, size);
  } catch {
    return "its manifest has another form";
  }
}

function faultOf({ tensors }: WeightManifest, size: number): string | undefined {
  const ranges: Range[] = [];
  for (const [name, { type, shape, offset, length, extra }] of Object.entries(tensors)) {
    if (length !== elementCount(shape) * BYTES[type]) return `${name} has ${length} bytes, its shape says otherwise`;
    ranges.push({ offset, length });
    for (const entry of Object.values(extra ?? {})) ranges.push(...packedRanges(entry));
  }
  ranges.sort((a, b) => a.offset - b.offset || a.length - b.length);
  let end = 0;
  for (const { offset, length } of ranges) {
    if (offset !== Math.ceil(end / ALIGNMENT) * ALIGNMENT || !Number.isSafeInteger(length) || length < 0) {
      return `a tensor lies at byte ${offset}, where none can`;
    }
    end = offset + length;
  }
  return end === size ? undefined : `it has ${size} bytes, expected ${end}`;
}

interface Range {
  offset: number;
  length: number;
}

/** A packed form is "operator+hash", then for each of its buffers "|offset;length;padding". */
function packedRanges(entry: string): Range[] {
  const buffers = entry.split("|").slice(1);
  return buffers.map((buffer) => {
    const [offset, length] = buffer.split(";").map(Number);
    return { offset, length };
  });
}
