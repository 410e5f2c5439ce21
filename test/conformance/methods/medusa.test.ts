import { oraclesOf } from "../../support/proposal-oracles.js";
import { withHeads } from "../../support/ways.js";
import { conformance } from "../suite.js";

conformance(
  "medusa",
  {
    tree: withHeads("medusa", { treeNodes: 16 }),
    chain: withHeads("medusa", { treeChoices: "chain" }),
    "dynamic tree": withHeads("medusa", { treeNodes: 12, dynamicTree: true }),
  },
  { proposals: oraclesOf("medusa") },
);
