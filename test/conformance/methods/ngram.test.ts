import { oraclesOf } from "../../support/proposal-oracles.js";
import { alone } from "../../support/ways.js";
import { conformance } from "../suite.js";

conformance(
  "ngram",
  {
    latest: alone("ngram", { numSpeculativeTokens: 6 }),
    "most frequent": alone("ngram", { match: "frequent" }),
  },
  { proposals: oraclesOf("ngram") },
);
