import { LookupCorpus } from "../../../src/index.js";
import { model, prompts, TARGET } from "../../support/models.js";
import { oraclesOf } from "../../support/proposal-oracles.js";
import { alone, type Way } from "../../support/ways.js";
import { conformance } from "../suite.js";

const overCorpus: Way = {
  options: async (dtype) => {
    const { tokenizer } = await model(TARGET, dtype);
    const text = prompts().map(({ prompt }) => prompt);
    const corpus = new LookupCorpus(tokenizer!.encode(text.join("\n")));
    return { speculation: { method: "suffix", lookupCorpus: corpus, minMatch: 2 } };
  },
};

conformance(
  "suffix",
  { "over a corpus": overCorpus, "prompt and output": alone("suffix") },
  { proposals: oraclesOf("suffix") },
);
