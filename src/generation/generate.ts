import type { CausalLM } from "../engine/causal-lm.js";
import type { StepPlan } from "../speculation/drafter.js";
import type { GenerationEvent } from "./request.js";
import type { Run } from "./run.js";

/**
 * Decodes several runs together: one target pass a step verifies what each run's drafter proposed. Runs beyond the most
 * sequences that a pass takes wait until another has finished. Yields every token as soon as it is certain.
 * An abort ends all runs with what they have; any other error is thrown.
 */
export async function* generate(model: CausalLM, runs: readonly Run[]): AsyncGenerator<GenerationEvent> {
  const waiting = [...runs];
  let active: Run[] = [];
  try {
    while (waiting.length > 0 || active.length > 0) {
      const events = await untilAborted(active, async () => {
        while (active.length < model.maxSequences && waiting.length > 0) {
          active.push(waiting.shift()!);
          await active[active.length - 1].begin();
        }
        const running = active.filter((run) => !run.checkLimits());
        return running.length > 0 ? speculativeStep(model, running) : [];
      });
      yield* events;
      for (const run of active.filter(({ finished }) => finished)) {
        const finish = run.finish();
        run.dispose();
        yield finish;
      }
      active = active.filter((run) => !run.finished);
    }
  } finally {
    disposeAll(runs);
  }
}

/** Disposes of all, then throws what the first that failed threw. */
function disposeAll(runs: readonly Run[]): void {
  const [run, ...others] = runs;
  if (run === undefined) return;
  try {
    run.dispose();
  } finally {
    disposeAll(others);
  }
}

/** One step: every drafter proposes, one target pass verifies, what the target would have said is committed. */
async function speculativeStep(model: CausalLM, runs: readonly Run[]): Promise<GenerationEvent[]> {
  const plans: StepPlan[] = [];
  for (const run of runs) plans.push(await run.propose());

  const start = performance.now();
  let passMs = 0;
  const verdicts = await model.forward(
    runs.map((run, i) => run.rows(plans[i])),
    (result) => {
      passMs = performance.now() - start;
      return runs.map((run, i) => run.judge(plans[i], result, i));
    },
    { k: Math.max(...plans.map((plan) => plan.topK ?? 1)), signal: runs[0].signal },
  );

  return runs.flatMap((run, i) => run.commit(plans[i], verdicts[i], passMs / runs.length));
}

/** What `work` returns; when the runs' signal was aborted meanwhile, ends them and returns nothing. */
async function untilAborted(runs: readonly Run[], work: () => Promise<GenerationEvent[]>): Promise<GenerationEvent[]> {
  try {
    return await work();
  } catch (error) {
    if (!runs.some((run) => run.signal?.aborted)) throw error;
    for (const run of runs) run.end("aborted");
    return [];
  }
}
