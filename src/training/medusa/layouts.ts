import type { NewTensor } from "../../formats/new-tensor.js";
import { TOKEN_MAP } from "../../models/draft-vocabulary.js";
import { TORCH_TYPES } from "../weight-types.js";
import type { WrittenHeads } from "./write-heads.js";

/** Who reads the folder. */
export const MEDUSA_LAYOUTS = ["original", "vllm", "tensorrt-llm"] as const;
export type MedusaLayout = (typeof MEDUSA_LAYOUTS)[number];

/** What heads lie in, in their folder. */
export const HEADS_FILES: Readonly<Record<MedusaLayout, string>> = {
  original: "medusa_lm_head.safetensors",
  vllm: "model.safetensors",
  "tensorrt-llm": "medusa_lm_head.pt",
};

/** Of what is written: the tensors by their names there, and config.json. */
interface Layout {
  tensors(heads: WrittenHeads): NewTensor[];
  config(heads: WrittenHeads): Record<string, unknown>;
}

/** "heads.2.blocks.0.bias" and "heads.2.lm_head" in their parts. */
function partsOf(name: string): { head: string; block?: string; part: "weight" | "bias" } {
  const [, head, kind, block, bias] = name.split(".");
  return kind === "lm_head" ? { head, part: "weight" } : { head, block, part: bias ? "bias" : "weight" };
}

function renamed(
  { specs, valuesOf, targetIds }: WrittenHeads,
  nameOf: (place: ReturnType<typeof partsOf>) => string,
): NewTensor[] {
  const tensors: NewTensor[] = specs.map(({ name, dims }) => ({
    name: nameOf(partsOf(name)),
    shape: dims,
    values: valuesOf(name),
  }));
  if (targetIds)
    tensors.push({ name: TOKEN_MAP, shape: [targetIds.length], values: BigInt64Array.from(targetIds, BigInt) });
  return tensors;
}

/**
 * HEAD.LAYER.linear.weight, HEAD.LAYERS.weight. Heads that share the base's product have none of their own; those that cannot name
 * all tokens have vLLM's token_map, which others do not read.
 */
const original: Layout = {
  tensors: (heads) =>
    renamed(heads, ({ head, block, part }) =>
      block === undefined ? `${head}.${heads.layers}.weight` : `${head}.${block}.linear.${part}`,
    ),
  config: ({ heads, layers }) => ({ medusa_num_heads: heads, medusa_num_layers: layers }),
};

/**
 * blocks.HEAD.layers.LAYER.weight, lm_heads.HEAD.weight, up to vLLM 0.32. Its heads cannot use the base's product: a shared one is
 * written, once (original_lm_head). Biases are skipped unless medusa_fc_bias is true. Its reader takes every name with "num" and
 * "heads" or "layers" in config.json for its own counts: there must be no others.
 */
const vllm: Layout = {
  tensors: (heads) => {
    const tensors = renamed(heads, ({ head, block, part }) =>
      block === undefined ? `lm_heads.${head}.weight` : `blocks.${head}.layers.${block}.${part}`,
    );
    return heads.sharedHead ? [...tensors, { name: "lm_heads.0.weight", ...heads.sharedHead }] : tensors;
  },
  config: ({ heads, layers, sharedHead, hiddenSize, vocabSize, targetIds, type }) => ({
    model_type: "medusa",
    architectures: ["MedusaModel"],
    num_heads: heads,
    num_hidden_layers: layers,
    hidden_size: hiddenSize,
    vocab_size: vocabSize,
    truncated_vocab_size: targetIds?.length ?? vocabSize,
    original_lm_head: sharedHead !== undefined,
    medusa_fc_bias: true,
    torch_dtype: TORCH_TYPES[type],
  }),
};

/** As Medusa's own, in a .pt file, with an output product for each head: TensorRT-LLM looks for all of them. */
const tensorrt: Layout = {
  tensors: (heads) => {
    const copies = heads.sharedHead
      ? Array.from({ length: heads.heads }, (_, i) => ({ name: `${i}.${heads.layers}.weight`, ...heads.sharedHead! }))
      : [];
    return [...original.tensors(heads), ...copies];
  },
  config: (heads) => ({ ...original.config(heads), num_medusa_heads: heads.heads }),
};

export const LAYOUTS: Readonly<Record<MedusaLayout, Layout>> = { original, vllm, "tensorrt-llm": tensorrt };

/** For the card: who reads it, and what to mind. */
export function layoutWords({
  layout,
  heads,
  layers,
  sharedHead,
  draftVocabulary,
}: Pick<WrittenHeads, "layout" | "heads" | "layers"> & { sharedHead: boolean; draftVocabulary?: number }): string[] {
  if (layout === "vllm") {
    return [
      `Layout of vLLM, for versions up to 0.32: \`--speculative-config '{"method": "medusa", "model": DIR, "num_speculative_tokens": ${heads}}'\`,`,
      "which drafts a chain of each head's likeliest token. Biases are read where medusa_fc_bias in config.json is known; older versions skip them.",
    ];
  }
  if (layout === "tensorrt-llm") {
    return [
      `Layout of TensorRT-LLM's Medusa example: convert_checkpoint.py with \`--medusa_model_dir DIR --num_medusa_heads ${heads} --num_medusa_layers ${layers}\`.`,
    ];
  }
  return [
    "Layout of FasterDecoding/Medusa.",
    ...(sharedHead
      ? ["The heads have no output product in the file, as they share the base's: its own loader expects one."]
      : []),
    ...(draftVocabulary === undefined
      ? []
      : [`They name ${draftVocabulary} of the base's tokens, which token_map lists: its own loader does not know it.`]),
    ...(layers > 1
      ? ["Its own loader gives all ResBlocks of a head the weights of the last one: it reads such heads wrongly."]
      : []),
  ];
}
