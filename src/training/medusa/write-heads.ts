import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writePytorch } from "../../formats/pytorch/writer.js";
import { writeSafetensors } from "../../formats/safetensors/writer.js";
import type { ParameterSpec } from "../parameters.js";
import type { MedusaAccuracy } from "./accuracy.js";
import { HEADS_FILES, LAYOUTS, type MedusaLayout } from "./layouts.js";
import type { Settings } from "./settings.js";

/** Heads as they are written. */
export interface WrittenHeads {
  layout: MedusaLayout;
  heads: number;
  /** ResBlocks of each. */
  layers: number;
  hiddenSize: number;
  /** The base's. */
  vocabSize: number;
  /** The base's ids of the tokens that the heads can name, where they are not all. */
  targetIds?: Int32Array;
  /** Their parameters, named as `medusaHeads` names them. */
  specs: readonly ParameterSpec[];
  valuesOf(name: string): Float32Array;
  /** The base's output product, where the heads share it: of the tokens that they can name. */
  sharedHead?: { shape: readonly number[]; values: Float32Array };
  accuracies: MedusaAccuracy["accuracies"];
  /** The base's folder, as config.json names it. */
  base: string;
  type: Settings["weights"];
  card: string;
}

/** Writes heads in a layout that others read, with config.json and a card; the weights, without which they are none, appear last. */
export async function writeHeads(directory: string, written: WrittenHeads): Promise<void> {
  const { layout, accuracies, base, type, card } = written;
  const { tensors, config } = LAYOUTS[layout];
  const json = { ...config(written), base_model_name_or_path: base, medusa_accuracies: accuracies };
  await writeFile(join(directory, "config.json"), `${JSON.stringify(json, null, 2)}\n`);
  await writeFile(join(directory, "README.md"), card);
  const write = layout === "tensorrt-llm" ? writePytorch : writeSafetensors;
  await write(join(directory, HEADS_FILES[layout]), tensors(written), type);
}
