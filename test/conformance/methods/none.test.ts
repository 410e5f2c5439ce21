import { alone } from "../../support/ways.js";
import { conformance } from "../suite.js";

conformance(
  "none",
  { plain: alone("none") },
  {
    skip: {
      "plain decoding's tokens": "they are what other methods are compared with",
      "dead ends": "it never drafts",
      proposals: "it never proposes",
    },
  },
);
