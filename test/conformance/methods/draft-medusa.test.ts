import { medusaModel } from "../../support/medusa-model.js";
import { oraclesOf } from "../../support/proposal-oracles.js";
import type { Way } from "../../support/ways.js";
import { conformance } from "../suite.js";

/** The same model in other weights: a draft that is nearly always right, and so goes deep. */
const ownModel: Way = {
  options: async (dtype) => ({
    assistantModel: await medusaModel(dtype === "fp32" ? "q8" : "fp32"),
    speculation: { method: "draft-medusa" },
  }),
};

conformance("draft-medusa", { "the target itself drafts": ownModel }, { proposals: oraclesOf("draft-medusa") });
