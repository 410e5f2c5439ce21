import { appendFileSync, closeSync, openSync } from "node:fs";
import type { StepPlan } from "../methods/drafter.js";
import { ForetokenError } from "../types/errors.js";
import type { TokenId } from "../types/token.js";

/** One speculative step, as one line of a trace file. Times are milliseconds. */
export interface TraceStep {
  /** Schema version. */
  v: 1;
  /** Index of the prompt in the call. */
  index: number;
  step: number;
  /** Length of prompt and output before the step; the root is the last of these tokens. */
  position: number;
  tree: { tokens: readonly TokenId[]; parents: readonly number[]; sources?: readonly (string | undefined)[] };
  /** Rows of the target's pass: the tree's, and lookahead's window. */
  rows: number;
  /** Nodes after the root that an earlier step had foreseen. */
  known: number;
  /** Accepted nodes, the root first. */
  path: readonly number[];
  /** Nodes of a side branch that were found right; committed, but for the first, by a later step. */
  foreseen: readonly number[];
  /** Tokens committed by the step. */
  committed: readonly TokenId[];
  draftMs: number;
  targetMs: number;
}

/** Receives every step of a generation. */
export type TraceSink = (step: TraceStep) => void;

/** What a trace keeps of a plan. */
export function tracePlan({ tree, extra }: StepPlan): Pick<TraceStep, "tree" | "rows"> {
  const { tokens, parents, sources } = tree;
  return { tree: { tokens, parents, sources }, rows: tokens.length + (extra?.tokens.length ?? 0) };
}

/** Writes steps to `path` as JSON lines. @throws ForetokenError when the file cannot be written. */
export function traceFile(path: string): { sink: TraceSink; close: () => void } {
  const fail = (error: unknown) =>
    new ForetokenError(
      `trace file ${path} cannot be written (${(error as NodeJS.ErrnoException).code}): choose another place`,
    );
  let file: number;
  try {
    file = openSync(path, "w");
  } catch (error) {
    throw fail(error);
  }
  const sink = (step: TraceStep) => {
    try {
      appendFileSync(file, `${JSON.stringify(step)}\n`);
    } catch (error) {
      throw fail(error);
    }
  };
  return { sink, close: () => closeSync(file) };
}
