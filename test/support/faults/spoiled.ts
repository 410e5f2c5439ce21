import type { DraftContext, Drafter, StepOutcome, StepPlan } from "../../../src/index.js";
import type { TokenId } from "../../../src/types/token.js";
import { WrappedDrafter } from "../probe.js";

/** Where a drafter can be spoiled from outside: in what it is told and in what it proposes. */
export interface Spoiling {
  /** After the prompt: the moment to tamper with private parts. */
  begun?: () => void;
  context?: (context: DraftContext) => DraftContext;
  budget?: (budget: number) => number;
  plan?: (plan: StepPlan, context: DraftContext) => StepPlan;
  /** Undefined: the drafter does not hear of the step. */
  outcome?: (outcome: StepOutcome, plan: StepPlan) => StepOutcome | undefined;
  /** After the drafter has heard of the step. */
  observed?: (outcome: StepOutcome, plan: StepPlan) => void;
}

class SpoiledDrafter extends WrappedDrafter {
  private plan: StepPlan | undefined;

  constructor(
    inner: Drafter,
    private readonly how: Spoiling,
  ) {
    super(inner);
  }

  override async begin(prompt: readonly TokenId[]): Promise<void> {
    await this.inner.begin(prompt);
    this.how.begun?.();
  }

  override async propose(context: DraftContext, budget: number): Promise<StepPlan> {
    const { how } = this;
    const plan = await this.inner.propose(how.context?.(context) ?? context, how.budget?.(budget) ?? budget);
    this.plan = how.plan?.(plan, context) ?? plan;
    return this.plan;
  }

  override observe(outcome: StepOutcome): void {
    const { how } = this;
    const heard = how.outcome ? how.outcome(outcome, this.plan!) : outcome;
    if (heard) this.inner.observe(heard);
    how.observed?.(outcome, this.plan!);
  }
}

export function spoiled(drafter: Drafter, how: Spoiling): Drafter {
  return new SpoiledDrafter(drafter, how);
}

/** A drafter's private parts. */
export function inside<Parts>(drafter: Drafter): Parts {
  return drafter as unknown as Parts;
}
