import type { CausalLM } from "../../engine/causal-lm.js";
import { DraftModelDrafter } from "../draft/draft.js";
import { draftLengthPolicy } from "../draft/draft-length.js";
import { type MethodOptions, optionOf } from "../options.js";
import type { Method } from "../registry.js";

/**
 * Self-speculation (Zhang et al. 2023, "Draft & Verify"): the target without some of its layers drafts for the whole one.
 * The weights are shared; the draft has a cache of its own. `searchSkippedLayers` finds layers that are missed least.
 */
export const layerSkip: Method = {
  name: "layer-skip",
  summary: "the target without some layers drafts for itself; no training, little gain on small models",
  options: ["skipLayers", "numSpeculativeTokens", "policy", "confidenceThreshold"],
  available: ({ target }) => target.config.numLayers > 2,
  create: ({ target, options }) => {
    const policy = draftLengthPolicy(options);
    const opened = target.withoutLayers(skippedLayers(target, options));
    return opened.then((draft) => new DraftModelDrafter(draft, policy, undefined, "layer-skip"));
  },
};

/** Every second of the layers between the first and the last, unless the user says otherwise. */
function skippedLayers({ config }: CausalLM, options: MethodOptions): readonly number[] {
  const skipLayers = optionOf(options, "skipLayers");
  if (skipLayers === undefined) {
    return Array.from({ length: config.numLayers }, (_, i) => i).filter((i) => i % 2 === 1 && i < config.numLayers - 1);
  }
  return skipLayers;
}
