import { UsageError } from "../types/errors.js";
import { integer } from "../types/option-kinds.js";
import { checkOptions, type OptionTable } from "../types/option-table.js";
import { Need, type PassResult, type TokenRows } from "./rows.js";
import type { Sequence } from "./sequence.js";

/** Row counts that are measured; others are interpolated. */
const ROWS = [1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64] as const;

/** What a pass costs by its number of rows, measured on this machine. */
export interface CostCurve {
  /** Row counts measured, ascending, from 1 to 64. */
  rows: readonly number[];
  /** Median milliseconds of a pass for each of `rows`. */
  ms: readonly number[];
  /** Committed rows before the pass while measuring. */
  past: number;
  /** Milliseconds of a pass of n rows, by linear interpolation; beyond 64 rows by the last slope. */
  at(n: number): number;
}

/** Passes of one size in a row: the first of each run follows another size, so it is slower and does not count. */
const RUN = 4;

const OPTIONS: OptionTable<{ past: number; repeats: number }> = { past: integer(1), repeats: integer(1, 1000) };

/** What of a CausalLM is measured. */
interface Passes {
  contextLength: number;
  vocabLimit: number;
  newSequence(): Sequence;
  prefill(sequence: Sequence, tokens: readonly number[]): Promise<void>;
  forward<T>(requests: readonly TokenRows[], read: (result: PassResult) => T): Promise<T>;
}

/** Measures runs of passes of each size in turn, `repeats` rounds interleaved, and takes medians. */
export async function measureCost(model: Passes, given: { past?: number; repeats?: number } = {}): Promise<CostCurve> {
  const options = checkOptions(OPTIONS, given, { of: "measureCost" });
  const past = options.past ?? Math.min(256, model.contextLength - 1);
  const repeats = options.repeats ?? 5;
  if (past < 1 || past >= model.contextLength) {
    throw new UsageError(`past must be in [1, ${model.contextLength - 1}], got ${past}`);
  }
  using sequence = model.newSequence();
  const token = (i: number) => (i * 37 + 11) % model.vocabLimit;
  await model.prefill(
    sequence,
    Array.from({ length: past }, (_, i) => token(i)),
  );
  const times = ROWS.map(() => [] as number[]);
  // Round 0 warms up.
  for (let round = 0; round <= repeats; round++) {
    for (const [i, n] of ROWS.entries()) {
      const tokens = Array.from({ length: n }, (_, j) => token(j));
      const needs = tokens.map(() => Need.top);
      for (let pass = 0; pass < RUN; pass++) {
        const start = performance.now();
        await model.forward([{ sequence, tokens, needs }], () => undefined);
        if (round > 0 && pass > 0) times[i].push(performance.now() - start);
        sequence.rollback();
      }
    }
  }
  return costCurve(ROWS, times.map(median), past);
}

/** A curve through measured points. */
export function costCurve(rows: readonly number[], ms: readonly number[], past: number): CostCurve {
  const at = (n: number): number => {
    let i = rows.findIndex((r) => r >= n);
    if (i === 0) return ms[0];
    if (i < 0) i = rows.length - 1;
    const share = (n - rows[i - 1]) / (rows[i] - rows[i - 1]);
    return ms[i - 1] + share * (ms[i] - ms[i - 1]);
  };
  return { rows, ms, past, at };
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
