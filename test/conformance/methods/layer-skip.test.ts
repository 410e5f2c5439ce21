import { oraclesOf } from "../../support/proposal-oracles.js";
import { alone } from "../../support/ways.js";
import { conformance } from "../suite.js";

conformance("layer-skip", { "by default": alone("layer-skip") }, { proposals: oraclesOf("layer-skip") });
