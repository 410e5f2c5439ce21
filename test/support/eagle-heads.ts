import { afterAll } from "vitest";
import { type Dtype, type EagleHeads, loadEagleHeads } from "../../src/index.js";
import { model, TARGET } from "./models.js";

/** The EAGLE-3 layer of the embedded target. */
export const EAGLE_HEADS = "models/eagle-heads";

const loaded = new Map<Dtype, Promise<EagleHeads>>();

/** These heads, loaded once in each test file. To be called where tests are declared. */
export function withEagleHeads(): (dtype: Dtype) => Promise<EagleHeads> {
  afterAll(async () => {
    for (const heads of loaded.values()) await (await heads).dispose();
    loaded.clear();
  });
  return (dtype) => {
    const load = async () => loadEagleHeads(EAGLE_HEADS, await model(TARGET, dtype));
    const found = loaded.get(dtype) ?? load();
    loaded.set(dtype, found);
    return found;
  };
}
