import { oraclesOf } from "../../support/proposal-oracles.js";
import { tier } from "../../support/tier.js";
import { alone, type Way } from "../../support/ways.js";
import { conformance } from "../suite.js";

const lookahead = (options: Record<string, unknown>): Way => ({ ...alone("lookahead", options), guesses: true });

conformance(
  "lookahead",
  {
    "by default": lookahead({}),
    "large, adaptive": lookahead({ windowSize: 7, ngramSize: 5, guessSize: 7, adaptive: true }),
    ...tier<Record<string, Way>>(
      { bigrams: lookahead({ windowSize: 4, ngramSize: 2, guessSize: 2, poolFromPrompt: false }) },
      {},
    ),
  },
  { proposals: oraclesOf("lookahead") },
);
