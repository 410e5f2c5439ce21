import { UsageError } from "../types/errors.js";
import { type DraftLengthOptions, draftLengthPolicy } from "./draft-length.js";
import { DraftModelDrafter } from "./draft-model.js";
import { PlainDrafter } from "./plain.js";
import { MethodRegistry } from "./registry.js";

/** Most children of a node in a draft model's tree. */
const MAX_WIDTH = 16;

/** Every method of the product, by the name users give. */
export const methods = new MethodRegistry()
  .register({
    name: "none",
    summary: "plain decoding, one token a pass",
    options: [],
    rank: 0,
    available: () => true,
    create: () => new PlainDrafter(),
  })
  .register({
    name: "draft",
    summary: "a smaller model with the same tokenizer drafts (needs a draft model)",
    options: ["numSpeculativeTokens", "policy", "confidenceThreshold", "treeWidths"],
    rank: 30,
    available: ({ assistant }) => assistant !== undefined,
    create: ({ assistant, options }) => {
      if (!assistant) throw new UsageError('method "draft" needs a draft model: give assistantModel or --draft-model');
      return new DraftModelDrafter(assistant, draftLengthPolicy(options as DraftLengthOptions), widths(options));
    },
  });

function widths({ treeWidths }: Readonly<Record<string, unknown>>): number[] | undefined {
  if (treeWidths === undefined) return undefined;
  const valid =
    Array.isArray(treeWidths) &&
    treeWidths.length > 0 &&
    treeWidths.every((width) => Number.isInteger(width) && width >= 1 && width <= MAX_WIDTH);
  if (valid) return treeWidths;
  throw new UsageError(
    `treeWidths must list children per node for each depth, integers from 1 to ${MAX_WIDTH}, got ${JSON.stringify(treeWidths)}`,
  );
}
