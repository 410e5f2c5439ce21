import { withDraft, withHeads } from "../../support/ways.js";
import { conformance } from "../suite.js";

conformance(
  "merged",
  {
    "medusa, ngram, recycling": {
      ...withHeads("merged", { drafters: ["medusa", "ngram", "recycling"] }),
      guesses: true,
    },
    "draft, lookahead": {
      ...withDraft("merged", { drafters: ["draft", "lookahead"], mergedNodes: 10 }),
      guesses: true,
    },
  },
  { skip: { proposals: "those of its parts are checked where they are alone" } },
);
