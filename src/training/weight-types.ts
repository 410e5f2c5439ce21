/** How trained weights are written. */
export const WEIGHT_TYPES = ["F16", "BF16", "F32"] as const;
