import type { Dtype } from "../../../src/index.js";
import { withEagleHeads } from "../../support/eagle-heads.js";
import { tier } from "../../support/tier.js";
import type { Way } from "../../support/ways.js";
import { conformance } from "../suite.js";

const heads = withEagleHeads();

function eagle(options: Record<string, unknown>): Way {
  const speculation = async (dtype: Dtype) => ({ method: "eagle", heads: await heads(dtype), ...options });
  return { options: async (dtype) => ({ speculation: await speculation(dtype) }) };
}

conformance(
  "eagle",
  {
    tree: eagle({ treeNodes: 16, treeRanks: 6 }),
    chain: eagle({ numSpeculativeTokens: 3 }),
    ...tier<Record<string, Way>>({ "confidence stop": eagle({ policy: "confidence", confidenceThreshold: 0.05 }) }, {}),
  },
  {
    edgeCases: tier(["tree", "chain"], ["tree"]),
    skip: { proposals: "test/engine/eagle.test.ts compares logits and trees with PyTorch's" },
  },
);
