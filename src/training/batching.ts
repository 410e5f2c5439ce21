import { UsageError } from "../types/errors.js";

/** How the rows of a step are taken. */
interface Batching {
  batchSize: number;
  microBatchSize: number;
  sequenceLength: number;
}

/**
 * @param most tokens of a sequence that the frozen model's context has room for
 * @param unit what both sizes are made of, and its name. Default: one
 * @throws UsageError for sizes that do not fit together
 */
export function checkBatching(
  sizes: Batching,
  most: number,
  unit: { size: number; name?: string } = { size: 1 },
): void {
  const { batchSize, microBatchSize, sequenceLength } = sizes;
  if (sequenceLength > most) {
    throw new UsageError(`sequenceLength is ${sequenceLength}, the context has room for ${most}: make it shorter`);
  }
  const { size, name = size } = unit;
  for (const which of ["batchSize", "microBatchSize"] as const) {
    if (sizes[which] % size === 0) continue;
    throw new UsageError(`${which} must be a multiple of ${name}, got ${sizes[which]}`);
  }
  if (batchSize % microBatchSize === 0) return;
  throw new UsageError(`batchSize must be a multiple of microBatchSize (${microBatchSize}), got ${batchSize}`);
}
