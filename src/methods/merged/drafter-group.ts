import { MappedRows } from "../../engine/mapped-rows.js";
import type { PassResult } from "../../engine/rows.js";
import type { TokenId } from "../../types/token.js";
import type { DraftContext, Drafter, StepOutcome, StepPlan, TextRows } from "../drafter.js";

/** Several drafters that propose for the same steps. Each hears about every step, as if it had proposed alone. */
export abstract class DrafterGroup implements Drafter {
  abstract readonly name: string;
  /** Where each drafter's own rows (tree, then extra) stand in the step's plan. Set by propose. */
  protected places: readonly number[][] = [];

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
    this.drafters.forEach((drafter, i) => {
      const place = this.places[i];
      const own = new Map(place.map((row, index) => [row, index]));
      const path = cut(outcome.path.map((row) => own.get(row)));
      // Right rows need not be this drafter's: those that are not stand behind all of its rows.
      const { rows } = outcome.right;
      const numbers = rows.map((row, n) => own.get(row) ?? place.length + n);
      const result = new MappedRows(outcome.result, (row) => place[row] ?? rows[row - place.length]);
      const right = { place: outcome.right.place, rows: numbers };
      drafter.observe({ ...outcome, path, last: numbers[numbers.length - 1], right, result });
    });
  }

  abstract fork(): Drafter;

  dispose(): void {
    for (const drafter of this.drafters) drafter.dispose();
  }
}

/** The beginning that is there. */
function cut(rows: readonly (number | undefined)[]): number[] {
  const end = rows.indexOf(undefined);
  return (end < 0 ? rows : rows.slice(0, end)) as number[];
}
