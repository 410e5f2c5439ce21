import { MappedRows } from "../../engine/mapped-rows.js";
import type { PassResult } from "../../engine/rows.js";
import type { TokenId } from "../../types/token.js";
import type { DraftContext, Drafter, StepOutcome, StepPlan, TextRows } from "../drafter.js";
import type { MergedPlan } from "./tree-merge.js";

/** Several drafters that propose for the same steps. Each hears about every step, as if it had proposed alone. */
export abstract class DrafterGroup implements Drafter {
  abstract readonly name: string;
  private merged: MergedPlan = { plan: { tree: { tokens: [], parents: [] } }, places: [] };
  private plans: readonly StepPlan[] = [];

  constructor(protected readonly drafters: readonly Drafter[]) {}

  get exhausted() {
    return this.drafters.find(({ exhausted }) => exhausted)?.exhausted;
  }

  get promptNeeds(): number {
    return this.drafters.reduce((all, { promptNeeds }) => all | (promptNeeds ?? 0), 0);
  }

  observePrompt(rows: TextRows, result: PassResult, request: number): void {
    for (const drafter of this.drafters) if (drafter.promptNeeds) drafter.observePrompt?.(rows, result, request);
  }

  async readPrompt(tokens: readonly TokenId[], signal?: AbortSignal): Promise<void> {
    for (const drafter of this.drafters) await drafter.readPrompt?.(tokens, signal);
  }

  async begin(prompt: readonly TokenId[]): Promise<void> {
    for (const drafter of this.drafters) await drafter.begin(prompt);
  }

  abstract propose(context: DraftContext, budget: number): Promise<StepPlan>;

  observe(outcome: StepOutcome): void {
    const { places } = this.merged;
    this.drafters.forEach((drafter, i) => {
      const place = places[i];
      const own = new Map(place.map((row, index) => [row, index]));
      const path = cut(outcome.path.map((row) => own.get(row)));
      // Right rows need not be this drafter's: those that are not stand behind all of its rows.
      const { rows } = outcome.right;
      const numbers = rows.map((row, n) => own.get(row) ?? place.length + n);
      const result = new MappedRows(outcome.result, (row) => place[row] ?? rows[row - place.length]);
      const right = { place: outcome.right.place, rows: numbers };
      drafter.observe({ ...outcome, path, last: numbers[numbers.length - 1], right, result });
      const nodes = this.plans[i].tree.tokens.length;
      const found = outcome.path.filter((row) => (own.get(row) ?? nodes) < nodes).length;
      // The root is the step's, not the drafter's.
      this.learn?.(i, nodes - 1, Math.max(0, found - 1));
    });
  }

  abstract fork(): Drafter;

  dispose(): void {
    for (const drafter of this.drafters) drafter.dispose();
  }

  /** Told how many nodes a drafter had proposed, the root not counted, and how many of them were found right. */
  protected learn?(drafter: number, nodes: number, right: number): void;

  /** The plan of this step, and what each drafter had proposed for it. */
  protected take(plans: readonly StepPlan[], merged: MergedPlan): StepPlan {
    this.plans = plans;
    this.merged = merged;
    return merged.plan;
  }
}

/** The beginning that is there. */
function cut(rows: readonly (number | undefined)[]): number[] {
  const end = rows.indexOf(undefined);
  return (end < 0 ? rows : rows.slice(0, end)) as number[];
}
