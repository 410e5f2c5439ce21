import type { CausalLM } from "../engine/causal-lm.js";
import type { PassResult } from "../engine/rows.js";
import { DrafterError } from "../types/errors.js";
import { oneLine, shown } from "../types/shown.js";
import type { TokenId } from "../types/token.js";
import type { DraftContext, Drafter, KnownText, StepOutcome, StepPlan, TextRows } from "./drafter.js";
import { isNeed, type PlanLimits, planFlaw } from "./plan-flaw.js";

/** Longest piece of a drafter's own error that is repeated. */
const SHOWN_CHARACTERS = 400;

/**
 * A drafter as the loop meets it. Anybody may register one, so whatever it throws, and every plan that would make a pass
 * fail or its verdict wrong, becomes one DrafterError with its name; nothing of it reaches the engine.
 */
export class GuestDrafter implements Drafter {
  /** Settles with what an observe that is async failed with. */
  private observed: Promise<DrafterError | undefined> | undefined;

  constructor(
    private readonly inner: Drafter,
    private readonly limits: PlanLimits,
  ) {}

  get name(): string {
    return this.inner.name;
  }

  get exhausted(): Drafter["exhausted"] {
    return this.inner.exhausted;
  }

  /** What is no need becomes none: a pass must not fail for it. */
  get promptNeeds(): number {
    const { promptNeeds = 0 } = this.inner;
    return this.inner.observePrompt && isNeed(promptNeeds) ? promptNeeds : 0;
  }

  observePrompt(rows: TextRows, result: PassResult, request: number): void {
    try {
      this.inner.observePrompt?.(rows, result, request);
    } catch (error) {
      throw this.failure(error);
    }
  }

  async readPrompt(tokens: readonly TokenId[], signal?: AbortSignal): Promise<void> {
    try {
      await this.inner.readPrompt?.(tokens, signal);
    } catch (error) {
      throw this.failure(error, signal);
    }
  }

  async begin(prompt: readonly TokenId[]): Promise<void> {
    try {
      await this.inner.begin(prompt);
    } catch (error) {
      throw this.failure(error);
    }
  }

  async propose(context: DraftContext, budget: number): Promise<StepPlan> {
    if (this.observed) await this.settleObserved();
    const { history, signal } = context;
    const { length } = history;
    let plan: StepPlan;
    try {
      plan = await this.inner.propose(context, budget);
    } catch (error) {
      throw this.failure(error, signal);
    }
    const flaw =
      history.length === length ? planFlaw(plan, history.at(length - 1), this.limits) : "propose changed the history";
    if (flaw !== undefined) throw this.error(`broke its contract: ${flaw}`);
    return plan;
  }

  observe(outcome: StepOutcome): void {
    try {
      const result: unknown = this.inner.observe(outcome);
      if (typeof (result as PromiseLike<unknown> | undefined)?.then === "function") {
        this.observed = Promise.resolve(result).then(
          () => undefined,
          (error) => this.failure(error) as DrafterError,
        );
      }
    } catch (error) {
      throw this.failure(error);
    }
  }

  fork(): GuestDrafter {
    try {
      return new GuestDrafter(assertDrafter(this.inner.fork(), `fork of drafter ${shown(this.name)}`), this.limits);
    } catch (error) {
      throw this.failure(error);
    }
  }

  get recorded(): ((text: KnownText) => Promise<Drafter>) | undefined {
    const { inner } = this;
    return inner.recorded && ((text) => inner.recorded!(text));
  }

  dispose(): void {
    try {
      this.inner.dispose();
    } catch (error) {
      throw this.failure(error);
    }
  }

  private async settleObserved(): Promise<void> {
    const error = await this.observed;
    this.observed = undefined;
    if (error) throw error;
  }

  /** What a call threw, under the drafter's name. An abort stays what it is. */
  private failure(error: unknown, signal?: AbortSignal): unknown {
    if (signal?.aborted || error instanceof DrafterError) return error;
    const message = error instanceof Error ? error.message || error.name : shown(error);
    return this.error(`failed: ${oneLine(message, SHOWN_CHARACTERS)}`, error);
  }

  private error(what: string, cause?: unknown): DrafterError {
    return new DrafterError(`drafter ${shown(this.name)} ${what}`, { cause });
  }
}

/** The limits of plans for a target. */
export function limitsOf({ config, vocabLimit }: CausalLM): PlanLimits {
  return { vocabSize: config.vocabSize, vocabLimit };
}

/** @param of names the maker. @throws DrafterError when something else than a drafter was made */
export function assertDrafter(made: Drafter, of: string): Drafter {
  const calls = ["begin", "propose", "observe", "fork", "dispose"] as const;
  const missing =
    typeof made === "object" && made !== null ? calls.find((call) => typeof made[call] !== "function") : "";
  if (missing === undefined && typeof made.name === "string") return made;
  const what = missing === undefined ? "name" : missing || shown(made);
  const lack = missing === "" ? `gave ${what}` : `gave an object without ${what}`;
  throw new DrafterError(`${of} ${lack}, expected a Drafter: name, ${calls.join(", ")}`);
}
