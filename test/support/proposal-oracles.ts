import { type CausalLM, LookupCorpus, type RankPath, type SingleOptions } from "../../src/index.js";
import { medusaModel } from "./medusa-model.js";
import { DRAFT, model, prompts, TARGET } from "./models.js";
import { ChainReader } from "./oracles/chain-reader.js";
import { draftChainOracle, draftTreeOracle } from "./oracles/draft.js";
import { lookaheadOracle } from "./oracles/lookahead.js";
import { lookupOracle, suffixOracle } from "./oracles/lookup.js";
import type { OracleOf } from "./oracles/proposal.js";
import { draftMedusaOracle, dynamicMedusaOracle, medusaOracle, recyclingOracle } from "./oracles/ranks.js";

/** A method whose proposals an oracle knows. Models are read in fp32, where rows differ least. */
export interface Checked {
  method: string;
  options: () => Promise<SingleOptions>;
  oracle: () => Promise<OracleOf>;
  /** Whether rows of side branches, which round differently, have a say in what is proposed. */
  readsBranches: boolean;
}

const CHOICES: RankPath[] = [[0], [1], [2], [0, 0], [0, 1], [1, 0], [2, 1], [0, 0, 0], [1, 0, 0], [0, 0, 0, 0]];
const WIDTHS = [3, 2, 1];

const target = () => model(TARGET, "fp32");
const draft = () => model(DRAFT, "fp32");

const readers = new Map<CausalLM, ChainReader>();
/** One reader for each model: it holds a cache. */
function readerOf({ model: read }: { model: CausalLM }): ChainReader {
  const reader = readers.get(read) ?? new ChainReader(read);
  readers.set(read, reader);
  return reader;
}

async function corpus(): Promise<number[]> {
  const text = prompts().map(({ prompt }) => prompt);
  return (await target()).tokenizer!.encode(text.join("\n"));
}

/** A method that needs no model beside the target. */
function alone(
  method: string,
  options: Record<string, unknown>,
  oracle: () => OracleOf | Promise<OracleOf>,
  readsBranches = false,
): Checked {
  return { method, options: async () => ({ speculation: options }), oracle: async () => oracle(), readsBranches };
}

function lookahead(W: number, N: number, G: number, poolFromPrompt: boolean): Checked {
  const options = { windowSize: W, ngramSize: N, guessSize: G, poolFromPrompt };
  const oracle = async () => lookaheadOracle(readerOf(await target()), { W, N, G, poolFromPrompt });
  return alone("lookahead", options, oracle, true);
}

export const CHECKED: Readonly<Record<string, Checked>> = {
  ngram: alone("ngram", {}, () => lookupOracle("latest")),
  "ngram, most frequent": alone("ngram", { match: "frequent" }, () => lookupOracle("frequent")),
  suffix: alone("suffix", {}, () => suffixOracle()),
  "suffix over a corpus": {
    method: "suffix",
    options: async () => ({ speculation: { lookupCorpus: new LookupCorpus(await corpus()), minMatch: 2 } }),
    oracle: async () => suffixOracle(await corpus(), 4, 2),
    readsBranches: false,
  },
  recycling: alone(
    "recycling",
    { treeChoices: CHOICES },
    async () => recyclingOracle(readerOf(await target()), CHOICES),
    true,
  ),
  lookahead: lookahead(5, 4, 5, true),
  "lookahead, large": lookahead(7, 5, 7, true),
  "lookahead, bigrams": lookahead(4, 2, 2, false),
  medusa: {
    method: "medusa",
    options: async () => ({ speculation: { heads: (await medusaModel("fp32")).heads, treeChoices: CHOICES } }),
    oracle: async () => medusaOracle(readerOf(await target()), (await medusaModel("fp32")).heads, CHOICES),
    readsBranches: true,
  },
  "medusa, dynamic tree": {
    method: "medusa",
    options: async () => ({
      speculation: { heads: (await medusaModel("fp32")).heads, treeNodes: 12, dynamicTree: true },
    }),
    oracle: async () => dynamicMedusaOracle(readerOf(await target()), (await medusaModel("fp32")).heads, 12),
    readsBranches: true,
  },
  "draft-medusa": {
    method: "draft-medusa",
    options: async () => ({ assistantModel: await medusaModel("q8"), speculation: { treeChoices: CHOICES } }),
    oracle: async () => {
      const drafting = await medusaModel("q8");
      return draftMedusaOracle(readerOf(drafting), drafting.heads, CHOICES);
    },
    readsBranches: false,
  },
  "layer-skip": {
    method: "layer-skip",
    options: async () => ({ speculation: { skipLayers: [1, 3], numSpeculativeTokens: 3 } }),
    oracle: async () =>
      draftTreeOracle(readerOf({ model: await (await target()).model.withoutLayers([1, 3]) }), [1], 3),
    readsBranches: false,
  },
  "draft chain": {
    method: "draft",
    options: async () => ({ assistantModel: await draft() }),
    oracle: async () => draftChainOracle(await draft()),
    readsBranches: false,
  },
  "draft tree": {
    method: "draft",
    options: async () => ({ assistantModel: await draft(), speculation: { treeWidths: WIDTHS } }),
    oracle: async () => draftTreeOracle(readerOf(await draft()), WIDTHS),
    readsBranches: true,
  },
};

/** Those of one method. */
export function oraclesOf(name: string): Record<string, Checked> {
  return Object.fromEntries(Object.entries(CHECKED).filter(([, { method }]) => method === name));
}
