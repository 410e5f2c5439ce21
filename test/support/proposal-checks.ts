import type { Drafter, SingleOptions } from "../../src/index.js";
import { model, TARGET } from "./models.js";
import { mismatches } from "./oracles/compare.js";
import type { Checked } from "./proposal-oracles.js";
import { type Recording, record } from "./recording.js";

const NEW_TOKENS = 28;
/** Every third step may propose so little that the budget cuts. */
const nodes = (step: number) => (step % 3 === 2 ? 5 : Number.POSITIVE_INFINITY);
/** The share of steps that may differ where rows of side branches, which round differently, rank near ties. */
const EXCUSED = 0.01;

/** A fault in a method: in its drafter, or in what the drafter is made from. */
export interface Planted {
  fault?: (drafter: Drafter) => Drafter;
  options?: (options: SingleOptions) => SingleOptions;
}

/** Runs a checked method, faulty or not, greedily on every prompt. */
export async function recordAll(
  { method, options }: Checked,
  prompts: readonly string[],
  planted: Planted = {},
): Promise<Recording[]> {
  const target = await model(TARGET, "fp32");
  const { fault, options: changed = (same) => same } = planted;
  const recordings: Recording[] = [];
  for (const prompt of prompts) {
    const all = { ...changed(await options()), maxNewTokens: NEW_TOKENS, ignoreEos: true };
    recordings.push(await record(target, prompt, method, all, { fault, nodes }));
  }
  return recordings;
}

/** The steps that the method's oracle would have proposed otherwise; none when rounding excuses them all. */
export async function wrongProposals(
  { oracle, readsBranches }: Checked,
  recordings: readonly Recording[],
): Promise<string[]> {
  const oracleOf = await oracle();
  const wrong: string[] = [];
  let steps = 0;
  for (const recording of recordings) {
    wrong.push(...(await mismatches(recording, oracleOf(recording.prompt))));
    steps += recording.steps.length;
  }
  return wrong.length <= (readsBranches ? EXCUSED * steps : 0) ? [] : wrong;
}

/** What is wrong with the plans by themselves. */
export function flawsIn(recordings: readonly Recording[]): string[] {
  return recordings.flatMap(({ steps }) => steps.flatMap(({ flaws }) => flaws));
}
