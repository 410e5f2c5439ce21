import { paddedEagleHeads } from "../../evaluation/padded-heads.js";
import { type LanguageModel, loadEagleHeads, type SingleOptions } from "../../index.js";
import { EMBEDDED_HEADS, EMBEDDED_TARGET } from "../models.js";
import { DRAFTED } from "./compare.js";

/** A method, and what `generate` is told to use it. */
export interface Way {
  method: string;
  options: SingleOptions;
}

/** What the demonstration shows: a draft model, heads that were trained for the target, and what needs neither. */
export async function waysOf(target: LanguageModel, draft: LanguageModel): Promise<Way[]> {
  const heads = target.directory
    ? await loadEagleHeads(EMBEDDED_HEADS.eagle, target)
    : await paddedEagleHeads(EMBEDDED_HEADS.eagle, target, EMBEDDED_TARGET);
  return [
    {
      method: "draft model",
      options: { assistantModel: draft, speculation: { method: "draft", numSpeculativeTokens: DRAFTED } },
    },
    { method: "EAGLE-3 heads", options: { speculation: { method: "eagle", heads, numSpeculativeTokens: DRAFTED } } },
    { method: "prompt lookup", options: { speculation: { method: "ngram" } } },
  ];
}
