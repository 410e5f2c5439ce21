import { UsageError } from "../types/errors.js";
import { everyItem } from "../types/option-kinds.js";
import { shown } from "../types/shown.js";

/** A model that could draft, or be drafted for. */
export interface ModelSize {
  name: string;
  /** Number of weights; or text such as "7B" or "135M". */
  parameters: number | string;
  /** Names the tokenizer, when known; only drafts with the target's accept everything they could. */
  tokenizer?: string;
}

export interface DraftSelection {
  /** The chosen candidate; undefined when none is small enough. */
  draft: ModelSize | undefined;
  reason: string;
}

/** A draft should be this many times smaller than its target: the usual rule of thumb, a prior until it is measured. */
const BEST: readonly [number, number] = [5, 10];
/** With less, drafting costs nearly what it saves. */
const LEAST = 3;

/**
 * Chooses a draft model by size: the largest of those 5 to 10 times smaller than the target, else the one nearest to
 * that, with the target's tokenizer if there is a choice. A prior: the best one is found by measuring.
 * @throws UsageError for a size that is none
 */
export function selectDraftModel(target: ModelSize, candidates: readonly ModelSize[]): DraftSelection {
  if (!isSize(target)) throw new UsageError(`selectDraftModel needs a target ${SIZE}, got ${shown(target)}`);
  if (!Array.isArray(candidates) || !everyItem(candidates, isSize)) {
    throw new UsageError(`selectDraftModel needs a list of candidates ${SIZE}, got ${shown(candidates)}`);
  }
  const size = parameterCount(target);
  const ratio = (candidate: ModelSize) => size / parameterCount(candidate);
  const small = candidates.filter((candidate) => ratio(candidate) >= LEAST);
  if (small.length === 0) {
    const reason = `no candidate is at least ${LEAST} times smaller than ${target.name}: use lookahead, n-grams or Medusa heads instead`;
    return { draft: undefined, reason };
  }
  const same = small.filter(
    ({ tokenizer }) => tokenizer === undefined || target.tokenizer === undefined || tokenizer === target.tokenizer,
  );
  const pool = same.length > 0 ? same : small;
  const distance = (candidate: ModelSize) => {
    const r = ratio(candidate);
    if (r < BEST[0]) return Math.log(BEST[0] / r);
    return r > BEST[1] ? Math.log(r / BEST[1]) : 0;
  };
  const draft = pool.reduce((best, other) => {
    const closer = distance(other) - distance(best);
    return closer < 0 || (closer === 0 && parameterCount(other) > parameterCount(best)) ? other : best;
  });
  const times = ratio(draft).toFixed(1);
  const fit = distance(draft) === 0 ? "within" : "nearest to";
  const foreign = same.length > 0 ? "" : "; its tokenizer is another, so part of what it drafts is lost on the way";
  return {
    draft,
    reason: `${draft.name} is ${times} times smaller than ${target.name}, ${fit} the rule of ${BEST.join(" to ")}${foreign}`,
  };
}

const SIZE = '{ name, parameters }, such as { name: "draft", parameters: "135M" }';

function isSize(given: unknown): given is ModelSize {
  return typeof given === "object" && given !== null && typeof (given as Partial<ModelSize>).name === "string";
}

/** "7B" is 7e9. @throws UsageError for a size that is none */
export function parameterCount({ name, parameters }: ModelSize): number {
  const match = /^\s*([\d.]+)\s*([KMBT]?)\s*$/i.exec(String(parameters));
  const unit = { "": 1, K: 1e3, M: 1e6, B: 1e9, T: 1e12 }[match?.[2].toUpperCase() ?? ""];
  const count = Number(match?.[1]) * (unit ?? Number.NaN);
  if (count > 0 && Number.isFinite(count)) return count;
  throw new UsageError(`${name}: parameters must be a number, or text such as "7B", got ${JSON.stringify(parameters)}`);
}
