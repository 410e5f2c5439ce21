import { checkTensors } from "../conversion/convert.js";
import { elementCount } from "../formats/tensor-source.js";
import { openEagleCheckpoint } from "../models/eagle/eagle-checkpoint.js";
import type { EagleConfig } from "../models/eagle/eagle-config.js";
import { weightSpecs } from "../models/eagle/weights.js";
import type { WeightSpec } from "../models/weight-spec.js";
import { logitCount } from "../types/model-config.js";
import { byteSize } from "./terminal.js";

/** What a folder of EAGLE-3 heads is, for a target that must be given with it. */
export async function inspectEagle(directory: string, json: boolean): Promise<string> {
  const { config, source, ownEmbedding, targetIds } = await openEagleCheckpoint(directory);
  try {
    const { base, eagle, ...layer } = config;
    checkTensors(source, specsOf(config, ownEmbedding));
    let parameters = 0;
    for (const name of source.names()) if (name !== "d2t") parameters += elementCount(source.info(name)!.shape);
    const mapped = targetIds !== undefined;
    if (json) {
      return `${JSON.stringify({ directory, heads: "eagle3", config: { ...layer, eagle }, base, parameters, ownEmbedding, mapped })}\n`;
    }
    const { targetHiddenSize, targetLayers } = eagle;
    const flags = (["normBeforeResidual", "normBeforeFc", "fcNorm", "normOutput"] as const).filter(
      (name) => eagle[name],
    );
    const facts = [
      ["heads", "EAGLE-3: one layer that drafts for a target, given with --heads"],
      ["parameters", `${(parameters / 1e6).toFixed(2)} M (${byteSize(parameters)} in q8)`],
      [
        "layer",
        `width ${layer.hiddenSize}, MLP ${layer.intermediateSize}, ${layer.numHeads} heads of ${layer.headDim}`,
      ],
      [
        "reads",
        `${targetHiddenSize} wide, ${targetLayers ? `after ${targetLayers.join(", ")} layers` : "after 2, L / 2 and L - 3 layers of the target"}`,
      ],
      ["vocabulary", `${logitCount(config)} of ${layer.vocabSize} tokens${mapped ? ", by d2t" : ""}`],
      ["embedding", ownEmbedding ? "its own" : "the target's"],
      ["norms", flags.join(", ") || "as in SafeAILab/EAGLE"],
      ["target", base ?? "not named"],
    ];
    return `${directory}\n\n${facts.map(([name, text]) => `${name.padEnd(16)} ${text}`).join("\n")}\n`;
  } finally {
    await source.close();
  }
}

/** The weights that must be in the folder itself. */
function specsOf({ base: _, eagle, ...layer }: EagleConfig, ownEmbedding: boolean): WeightSpec[] {
  // Only how many layers of the target are read counts for shapes.
  const { targetLayers = [0, 0, 0] } = eagle;
  const specs = weightSpecs({ ...layer, eagle: { ...eagle, targetLayers } });
  return specs.filter(({ kind }) => ownEmbedding || kind !== "embedding");
}
