import { SuccessorMemory } from "../../../src/index.js";
import { model, TARGET } from "../../support/models.js";
import { oraclesOf } from "../../support/proposal-oracles.js";
import { alone, type Way } from "../../support/ways.js";
import { conformance } from "../suite.js";

const chain: Way = {
  guesses: true,
  options: async (dtype) => {
    const successors = new SuccessorMemory((await model(TARGET, dtype)).model.vocabLimit);
    return { speculation: { method: "recycling", treeChoices: "chain", successors } };
  },
};

conformance(
  "recycling",
  { tree: { ...alone("recycling", { treeNodes: 24 }), guesses: true }, "chain, a memory given": chain },
  { proposals: oraclesOf("recycling") },
);
