import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type EagleHeads, type LanguageModel, loadEagleHeads, loadMedusaHeads, type MedusaHeads } from "../index.js";
import { isEagleConfig } from "../models/eagle/eagle-config.js";

/** The method that the heads in a folder are for, by its config.json. What is wrong with the folder is said when it is loaded. */
export function methodOfHeads(directory: string): "eagle" | "medusa" {
  try {
    return isEagleConfig(JSON.parse(readFileSync(join(directory, "config.json"), "utf8"))) ? "eagle" : "medusa";
  } catch {
    return "medusa";
  }
}

/** Loads the heads in a folder, whichever they are. */
export function loadHeads(directory: string, target: LanguageModel): Promise<MedusaHeads | EagleHeads> {
  return methodOfHeads(directory) === "eagle" ? loadEagleHeads(directory, target) : loadMedusaHeads(directory, target);
}
