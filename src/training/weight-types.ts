/** How trained weights are written. */
export const WEIGHT_TYPES = ["F16", "BF16", "F32"] as const;

/** Their names in config.json. */
export const TORCH_TYPES = { F16: "float16", BF16: "bfloat16", F32: "float32" } as const;
