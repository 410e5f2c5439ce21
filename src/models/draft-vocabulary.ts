import type { TensorSource } from "../formats/tensor-source.js";
import { CheckpointError } from "../types/errors.js";
import { logitCount, type ModelConfig } from "../types/model-config.js";
import { shown } from "../types/shown.js";
import type { TokenId } from "../types/token.js";

/** The tensor that maps a draft's vocabulary of its own to its target's, named as in SafeAILab/EAGLE. */
export const DRAFT_TO_TARGET = "d2t";

/** The tensor that says which of the target's tokens Medusa heads can name, where they are not all: their ids, as vLLM has it. */
export const TOKEN_MAP = "token_map";

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
  const ids = Int32Array.from(offsets, (offset, i) => i + offset);
  checkTargetIds(ids, vocabSize, DRAFT_TO_TARGET, at);
  return ids;
}

/**
 * The target's id of each token that Medusa heads can name, from their `token_map`; undefined without one: they name all.
 * @throws CheckpointError for a map that names a token twice, or none
 */
export async function readTokenMap(source: TensorSource, at: string): Promise<Int32Array | undefined> {
  const ids = await source.integers?.(TOKEN_MAP);
  if (!ids) return undefined;
  if (ids.length === 0) throw new CheckpointError(`${at}: token_map is empty: the weights are damaged`);
  checkTargetIds(ids, Number.POSITIVE_INFINITY, TOKEN_MAP, at);
  return Int32Array.from(ids);
}

/** @throws CheckpointError for ids that the target has not, or twice */
export function checkTargetIds(ids: Iterable<TokenId>, vocabSize: number, map: string, at: string): void {
  const seen = new Set<TokenId>();
  const size = Number.isFinite(vocabSize) ? ` of ${vocabSize}` : "";
  let token = 0;
  for (const id of ids) {
    if (!(id >= 0 && id < vocabSize)) {
      throw new CheckpointError(
        `${at}: ${map} makes token ${token} ${shown(id)}, outside the target's vocabulary${size}`,
      );
    }
    if (seen.has(id)) throw new CheckpointError(`${at}: ${map} makes two tokens ${id}: the weights are damaged`);
    seen.add(id);
    token++;
  }
}
