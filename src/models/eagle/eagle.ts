import { CheckpointError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";
import type { Architecture } from "../architecture.js";
import { decode } from "./decode.js";
import { EAGLE3 } from "./eagle-config.js";
import { weightSpecs } from "./weights.js";

/** EAGLE-3's draft layer. It is opened with its target (eagle-checkpoint.ts), and is no model by itself. */
export const eagle: Architecture = {
  modelType: EAGLE3,
  parseConfig: (_json, _generation, file) => {
    throw new CheckpointError(
      `${escaped(file)} is of EAGLE-3 heads, which draft for another model: EagleModel.fromPretrained or --heads takes them`,
    );
  },
  weightSpecs,
  head: "lm_head",
  decode,
};
