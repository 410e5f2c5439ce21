import { withForeignDraft } from "../../support/ways.js";
import { conformance } from "../suite.js";

conformance(
  "universal",
  {
    "shared tokens": withForeignDraft("universal", { alignment: "shared" }),
    text: withForeignDraft("universal", { alignment: "text", numSpeculativeTokens: 6 }),
  },
  { skip: { proposals: "no second implementation reads one tokenizer's tokens as another's" } },
);
