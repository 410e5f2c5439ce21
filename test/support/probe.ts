import {
  type DraftContext,
  type Drafter,
  methods,
  type PassResult,
  type SingleOptions,
  type StepOutcome,
  type StepPlan,
  type TextRows,
} from "../../src/index.js";
import type { TokenId } from "../../src/types/token.js";

/** A drafter that does what another does; tests override what they look at or spoil. */
export class WrappedDrafter implements Drafter {
  constructor(protected readonly inner: Drafter) {}

  get name(): string {
    return this.inner.name;
  }

  get promptNeeds(): number | undefined {
    return this.inner.promptNeeds;
  }

  observePrompt(rows: TextRows, result: PassResult, request: number): void {
    this.inner.observePrompt?.(rows, result, request);
  }

  async readPrompt(tokens: readonly TokenId[], signal?: AbortSignal): Promise<void> {
    await this.inner.readPrompt?.(tokens, signal);
  }

  begin(prompt: readonly TokenId[]): Promise<void> {
    return this.inner.begin(prompt);
  }

  propose(context: DraftContext, budget: number): Promise<StepPlan> {
    return this.inner.propose(context, budget);
  }

  observe(outcome: StepOutcome): void {
    this.inner.observe(outcome);
  }

  fork(): Drafter {
    throw new Error("wrapped drafters draft for one sample only");
  }

  dispose(): void {
    this.inner.dispose();
  }
}

let probes = 0;

/** The options of a generation whose drafter, of the named method, stands in a wrapper. */
export function wrapped(method: string, options: SingleOptions, wrap: (drafter: Drafter) => Drafter): SingleOptions {
  // Names cannot be taken back, so each wrapper gets a new one.
  const name = `probe ${++probes} of ${method}`;
  methods.register({
    name,
    summary: "a drafter under test",
    options: methods.all.find((known) => known.name === method)!.options,
    available: () => true,
    create: async (context) => wrap(await methods.create(method, context)),
  });
  return { ...options, speculation: { ...options.speculation, method: name } };
}
