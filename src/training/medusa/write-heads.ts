import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeSafetensors } from "../../formats/safetensors/writer.js";
import type { ParameterSpec } from "../parameters.js";
import type { MedusaAccuracy } from "./accuracy.js";
import type { Settings } from "./settings.js";

/** What heads lie in, in their folder. */
export const HEADS_FILE = "medusa_lm_head.safetensors";

/** Heads as they are written. */
export interface WrittenHeads {
  heads: number;
  /** ResBlocks of each. */
  layers: number;
  /** Their parameters, named as `medusaHeads` names them. */
  specs: readonly ParameterSpec[];
  valuesOf(name: string): Float32Array;
  accuracies: MedusaAccuracy["accuracies"];
  /** The base's folder, as config.json names it. */
  base: string;
  type: Settings["weights"];
  card: string;
}

/** Writes heads as Medusa's repository does (HEAD.LAYER.linear.weight, HEAD.LAYERS.weight), with config.json and a card. */
export async function writeHeads(directory: string, written: WrittenHeads): Promise<void> {
  const { specs, valuesOf, heads, layers, accuracies, base, type, card } = written;
  const tensors = specs.map(({ name, dims }) => ({
    name: tensorName(name, layers),
    shape: dims,
    values: valuesOf(name),
  }));
  const config = {
    medusa_num_heads: heads,
    medusa_num_layers: layers,
    base_model_name_or_path: base,
    medusa_accuracies: accuracies,
  };
  await writeFile(join(directory, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
  await writeFile(join(directory, "README.md"), card);
  await writeSafetensors(join(directory, HEADS_FILE), tensors, type);
}

/** "heads.2.blocks.0.bias" is 2.0.linear.bias, "heads.2.lm_head" of a head with one block 2.1.weight. */
function tensorName(name: string, layers: number): string {
  const [, head, kind, block, bias] = name.split(".");
  return kind === "lm_head" ? `${head}.${layers}.weight` : `${head}.${block}.linear.${bias ? "bias" : "weight"}`;
}
