import { type Dtype, type GenerateOptions, LookupCorpus, MedusaModel, SuccessorMemory } from "../../src/index.js";
import { makeForeignDraft } from "./foreign-draft.js";
import { DRAFT, model, prompts, TARGET, temporaryFolder } from "./models.js";

export const HEADS = "models/medusa-heads";

/** One way to speculate: the method that it shows, and the options of `generate`. */
export interface Way {
  method: string;
  options(dtype: Dtype): Promise<GenerateOptions>;
}

const medusaModels = new Map<Dtype, Promise<MedusaModel>>();

/** The embedded target with its heads, loaded once in each test file. */
export function medusaModel(dtype: Dtype): Promise<MedusaModel> {
  let found = medusaModels.get(dtype);
  if (!found) {
    found = model(TARGET, dtype).then((base) => MedusaModel.fromPretrained(HEADS, { base }));
    medusaModels.set(dtype, found);
  }
  return found;
}

let foreignDraft: Promise<string> | undefined;

/** A draft that has another tokenizer than the target. */
function withForeignDraft(options: Record<string, unknown>): Way {
  return {
    method: "universal",
    options: async (dtype) => {
      foreignDraft ??= makeForeignDraft(temporaryFolder());
      const assistantModel = await model(await foreignDraft, dtype);
      return { assistantModel, speculation: { method: "universal", ...options } };
    },
  };
}

/** A way without models: `speculation` only. */
function alone(method: string, options: Record<string, unknown> = {}): Way {
  return { method, options: async () => ({ speculation: { method, ...options } }) };
}

function withHeads(method: string, options: Record<string, unknown> = {}): Way {
  return {
    method,
    options: async (dtype) => ({ speculation: { method, heads: (await medusaModel(dtype)).heads, ...options } }),
  };
}

function withDraft(method: string, options: Record<string, unknown> = {}): Way {
  return {
    method,
    options: async (dtype) => ({ assistantModel: await model(DRAFT, dtype), speculation: { method, ...options } }),
  };
}

/** Every method of the registry, as a chain and as a tree where it has both. */
export const WAYS: Readonly<Record<string, Way>> = {
  plain: alone("none"),
  "draft chain": withDraft("draft", { numSpeculativeTokens: 6 }),
  "draft tree": withDraft("draft", { treeWidths: [3, 2, 1] }),
  "prompt lookup": alone("ngram", { numSpeculativeTokens: 6 }),
  "prompt lookup, most frequent": alone("ngram", { match: "frequent" }),
  "suffix automaton": alone("suffix"),
  "suffix automaton over a corpus": {
    method: "suffix",
    options: async (dtype) => {
      const { tokenizer } = await model(TARGET, dtype);
      const text = prompts().map(({ prompt }) => prompt);
      const corpus = new LookupCorpus(tokenizer!.encode(text.join("\n")));
      return { speculation: { method: "suffix", lookupCorpus: corpus, minMatch: 2 } };
    },
  },
  "recycling tree": alone("recycling", { treeNodes: 24 }),
  "recycling chain": {
    method: "recycling",
    options: async (dtype) => {
      const successors = new SuccessorMemory((await model(TARGET, dtype)).model.vocabLimit);
      return { speculation: { method: "recycling", treeChoices: "chain", successors } };
    },
  },
  lookahead: alone("lookahead"),
  "lookahead, large, adaptive": alone("lookahead", { windowSize: 7, ngramSize: 5, guessSize: 7, adaptive: true }),
  "lookahead, bigrams": alone("lookahead", { windowSize: 4, ngramSize: 2, guessSize: 2, poolFromPrompt: false }),
  "layer skip": alone("layer-skip"),
  "draft with another tokenizer, shared tokens": withForeignDraft({ alignment: "shared" }),
  "draft with another tokenizer, text": withForeignDraft({ alignment: "text", numSpeculativeTokens: 6 }),
  "medusa chain": withHeads("medusa", { treeChoices: "chain" }),
  "medusa tree": withHeads("medusa", { treeNodes: 16 }),
  "medusa dynamic tree": withHeads("medusa", { treeNodes: 12, dynamicTree: true }),
  "a medusa model drafts": {
    method: "draft-medusa",
    // The same model in other weights: a draft that is nearly always right, and so goes deep.
    options: async (dtype) => ({ assistantModel: await medusaModel(dtype === "fp32" ? "q8" : "fp32") }),
  },
  "merged: medusa, n-grams, recycling": withHeads("merged", { drafters: ["medusa", "ngram", "recycling"] }),
  "merged: draft, lookahead": withDraft("merged", { drafters: ["draft", "lookahead"], mergedNodes: 10 }),
};
