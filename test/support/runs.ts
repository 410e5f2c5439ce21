import { resolveRequest } from "../../src/api/resolve-request.js";
import { Run } from "../../src/generation/run.js";
import type { GenerateOptions, LanguageModel } from "../../src/index.js";
import type { Drafter } from "../../src/methods/drafter.js";
import { TokenHistory } from "../../src/sampling/history.js";
import { Sampler } from "../../src/sampling/sampler.js";
import { IncrementalDetokenizer } from "../../src/tokenizer/incremental-detokenizer.js";

/** A run as `generate` makes it, for a scheduler of the test's own. */
export function newRun(
  target: LanguageModel,
  prompt: readonly number[],
  options: GenerateOptions,
  wrap: (drafter: Drafter) => Drafter = (drafter) => drafter,
): Run {
  const request = resolveRequest(options, target.model);
  const { params, eosTokenIds } = request;
  return new Run({
    model: target.model,
    method: String(options.speculation?.method ?? "auto"),
    newDrafter: async () => wrap(await target.newDrafter(options)),
    sampler: new Sampler({ params, vocabSize: target.model.vocabLimit, eosTokenIds, sampleIndex: 0 }),
    history: new TokenHistory(prompt),
    text: target.tokenizer && new IncrementalDetokenizer(target.tokenizer, request),
    request,
    index: 0,
  });
}
