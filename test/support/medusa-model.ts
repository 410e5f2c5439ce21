import { type Dtype, MedusaModel } from "../../src/index.js";
import { model, TARGET } from "./models.js";

export const HEADS = "models/medusa-heads";

const loaded = new Map<Dtype, Promise<MedusaModel>>();

/** The embedded target with its heads, loaded once in each test file. */
export function medusaModel(dtype: Dtype): Promise<MedusaModel> {
  let found = loaded.get(dtype);
  if (!found) {
    found = model(TARGET, dtype).then((base) => MedusaModel.fromPretrained(HEADS, { base }));
    loaded.set(dtype, found);
  }
  return found;
}
