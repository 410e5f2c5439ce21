import { uniforms } from "../random.js";

/** 0 .. length - 1 in an order that `seed` decides: Fisher and Yates. */
export function shuffled(length: number, seed: number): Uint32Array {
  const order = Uint32Array.from({ length }, (_, i) => i);
  const uniform = uniforms(seed);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
