import type { DraftContext, Drafter, LanguageModel, SingleOptions, StepPlan, TraceStep } from "../../src/index.js";
import type { TokenId } from "../../src/types/token.js";
import { WrappedDrafter, wrapped } from "./probe.js";
import { flawsOf } from "./well-formed.js";

/** What a drafter was asked in a step, what it proposed, and what came of it. */
export interface RecordedStep {
  /** Most candidates that it was allowed. */
  budget: number;
  plan: StepPlan;
  /** What is wrong with the plan by itself. */
  flaws: string[];
  trace: TraceStep;
}

export interface Recording {
  prompt: readonly TokenId[];
  output: readonly TokenId[];
  steps: RecordedStep[];
  /** As of the target. */
  exactTrees: boolean;
}

export interface RecordOptions {
  /** Spoils the drafter. */
  fault?: (drafter: Drafter) => Drafter;
  /** Most candidates of a step; the run's own limit is never reached by itself. */
  nodes?: (step: number) => number;
}

/** Generates with a method's drafter, faulty or not, and keeps every plan. */
export async function record(
  target: LanguageModel,
  input: string,
  method: string,
  options: SingleOptions,
  { fault = (drafter) => drafter, nodes = () => Number.POSITIVE_INFINITY }: RecordOptions = {},
): Promise<Recording> {
  const steps: RecordedStep[] = [];
  const plans: Omit<RecordedStep, "trace">[] = [];
  const { vocabLimit } = target.model;
  class Recorder extends WrappedDrafter {
    override async propose(context: DraftContext, most: number): Promise<StepPlan> {
      const budget = Math.min(most, nodes(plans.length));
      const plan = await this.inner.propose(context, budget);
      plans.push({ budget, plan, flaws: flawsOf(plan, context, budget, vocabLimit) });
      return plan;
    }
  }
  const trace = (step: TraceStep) => steps.push({ ...plans[step.step], trace: step });
  const recorded = wrapped(method, { ...options, trace }, (drafter) => new Recorder(fault(drafter)));
  const { tokenIds } = await target.generate(input, recorded);
  return { prompt: target.promptIds(input), output: tokenIds, steps, exactTrees: target.model.exactTrees };
}
