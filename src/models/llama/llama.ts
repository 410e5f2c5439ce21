import type { Architecture } from "../architecture.js";
import { parseConfig } from "./config.js";
import { decode } from "./decode.js";
import { weightSpecs } from "./weights.js";

/** Llama and what shares its computation: SmolLM2, TinyLlama, Vicuna, ... */
export const llama: Architecture = { modelType: "llama", parseConfig, weightSpecs, head: "lm_head", decode };
