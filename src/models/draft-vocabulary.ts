import type { TensorSource } from "../formats/tensor-source.js";
import { CheckpointError } from "../types/errors.js";
import { logitCount, type ModelConfig } from "../types/model-config.js";
import { shown } from "../types/shown.js";
import type { TokenId } from "../types/token.js";

/** The tensor that maps a draft's vocabulary of its own to its target's, named as in SafeAILab/EAGLE. */
export const DRAFT_TO_TARGET = "d2t";

/** The values of the map: token i of the draft is token i + d2t[i] of the target. */
export function draftToTarget(targetIds: Int32Array): BigInt64Array {
  return BigInt64Array.from(targetIds, (id, i) => BigInt(id - i));
}

/**
 * The target's id of each token of a draft's vocabulary; undefined where they are the same.
 * @param at names the folder in errors
 * @throws CheckpointError for a map that is missing, or of another vocabulary
 */
export async function readTargetIds(
  source: TensorSource,
  config: Pick<ModelConfig, "vocabSize" | "draftVocabSize">,
  at: string,
): Promise<Int32Array | undefined> {
  const { vocabSize } = config;
  const count = logitCount(config);
  const offsets = await source.integers?.(DRAFT_TO_TARGET);
  if (!offsets) {
    if (count === vocabSize) return undefined;
    throw new CheckpointError(`${at} has no d2t, which a vocabulary of ${count} of ${vocabSize} tokens needs`);
  }
  if (offsets.length !== count) {
    throw new CheckpointError(`${at}: d2t has ${offsets.length} entries, expected one for each of ${count} tokens`);
  }
  const seen = new Set<TokenId>();
  for (const [i, offset] of offsets.entries()) {
    const id = i + offset;
    if (!(id >= 0 && id < vocabSize)) {
      throw new CheckpointError(
        `${at}: d2t makes token ${i} ${shown(id)}, outside the target's vocabulary of ${vocabSize}`,
      );
    }
    if (seen.has(id)) throw new CheckpointError(`${at}: d2t makes two tokens ${id}: the weights are damaged`);
    seen.add(id);
  }
  return Int32Array.from(offsets, (offset, i) => i + offset);
}
