export type Decay = "cosine" | "linear" | "constant";

/**
 * What the learning rate is multiplied with at a step: up from 0 over the warm-up, then down to 0 at the end.
 * @param step counts from 1, up to `steps`
 */
export function scheduleFactor(step: number, steps: number, warmup: number, decay: Decay): number {
  if (step <= warmup) return step / Math.max(1, warmup);
  if (decay === "constant") return 1;
  const done = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  return decay === "linear" ? 1 - done : (1 + Math.cos(Math.PI * done)) / 2;
}
