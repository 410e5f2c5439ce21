import { CallbackError } from "../types/errors.js";
import { shown } from "../types/shown.js";
import type { TokenId } from "../types/token.js";

/**
 * Whether an output ends with the last of these tokens, as transformers' StoppingCriteria says it. Called once for each
 * token of the output, in order, however many a pass brings.
 * @param tokenIds prompt and output so far
 */
export type StoppingCriteria = (tokenIds: readonly TokenId[]) => boolean;

/** @throws CallbackError for what a criterion throws, or gives that is no boolean */
export function meetsAny(criteria: readonly StoppingCriteria[], tokenIds: readonly TokenId[]): boolean {
  return criteria.map((criterion) => meets(criterion, tokenIds)).includes(true);
}

function meets(criterion: StoppingCriteria, tokenIds: readonly TokenId[]): boolean {
  let result: unknown;
  try {
    result = criterion(tokenIds);
  } catch (error) {
    throw CallbackError.of("stoppingCriteria", error);
  }
  if (typeof result === "boolean") return result;
  throw new CallbackError(`stoppingCriteria must give true or false, got ${shown(result)}`);
}
