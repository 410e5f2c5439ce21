import type { CausalLM } from "../engine/causal-lm.js";
import type { GenerationEvent } from "./request.js";
import type { Run } from "./run.js";
import { Scheduler } from "./scheduler.js";

/**
 * Decodes several runs together and yields every token as soon as it is certain. The first error ends all of them;
 * whoever wants the others to go on uses a Scheduler.
 */
export async function* generate(model: CausalLM, runs: readonly Run[]): AsyncGenerator<GenerationEvent> {
  // More at a time would go round in turn and hold caches for longer, without being faster.
  const scheduler = new Scheduler(model, { maxRunning: model.maxSequences });
  for (const run of runs) scheduler.add(run);
  try {
    while (!scheduler.idle) {
      for (const done of await scheduler.step()) {
        if ("error" in done) throw done.error;
        yield done.event;
      }
    }
  } finally {
    scheduler.dispose();
  }
}
