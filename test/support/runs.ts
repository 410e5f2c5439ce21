import { resolveRequest } from "../../src/api/resolve-request.js";
import { Run } from "../../src/generation/run.js";
import type { Scheduled, Scheduler } from "../../src/generation/scheduler.js";
import type { GenerateOptions, LanguageModel } from "../../src/index.js";
import type { Drafter } from "../../src/methods/drafter.js";
import type { TokenConstraint } from "../../src/sampling/grammar.js";
import { TokenHistory } from "../../src/sampling/history.js";
import { Sampler } from "../../src/sampling/sampler.js";
import { IncrementalDetokenizer } from "../../src/tokenizer/incremental-detokenizer.js";

/** A run as `generate` makes it, for a scheduler of the test's own. */
export function newRun(
  target: LanguageModel,
  prompt: readonly number[],
  options: GenerateOptions,
  wrap: (drafter: Drafter) => Drafter = (drafter) => drafter,
  constraint?: TokenConstraint,
): Run {
  const request = resolveRequest(options, target.model);
  const { params, eosTokenIds } = request;
  return new Run({
    model: target.model,
    method: String(options.speculation?.method ?? "auto"),
    newDrafter: async () => wrap(await target.newDrafter(options)),
    sampler: new Sampler({ params, vocabSize: target.model.vocabLimit, eosTokenIds, sampleIndex: 0, constraint }),
    history: new TokenHistory(prompt),
    text: target.tokenizer && new IncrementalDetokenizer(target.tokenizer, request),
    request,
    index: 0,
  });
}

/** Steps until nothing is left; what became of each run. */
export async function outcomes(scheduler: Scheduler, between: (step: number) => void = () => {}) {
  const all = new Map<Run, { tokenIds: number[]; finish?: string; error?: unknown; steps: number[] }>();
  const take = (done: Scheduled, step: number) => {
    const found = all.get(done.run) ?? { tokenIds: [], steps: [] };
    all.set(done.run, found);
    if ("error" in done) found.error = done.error;
    else if (done.event.type === "finish") found.finish = done.event.finishReason;
    else {
      found.tokenIds.push(done.event.tokenId);
      found.steps.push(step);
    }
  };
  for (let step = 0; !scheduler.idle; step++) {
    between(step);
    for (const done of await scheduler.step()) take(done, step);
  }
  return all;
}
