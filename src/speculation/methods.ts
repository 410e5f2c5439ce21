import { draftMedusa } from "./drafters/draft-medusa.js";
import { draftModel } from "./drafters/draft-model.js";
import { layerSkip } from "./drafters/layer-skip.js";
import { lookahead } from "./drafters/lookahead.js";
import { medusa } from "./drafters/medusa.js";
import { merged } from "./drafters/merged.js";
import { plain } from "./drafters/plain.js";
import { promptLookup } from "./drafters/prompt-lookup.js";
import { suffixLookup } from "./drafters/suffix-lookup.js";
import { tokenRecycling } from "./drafters/token-recycling.js";
import { universal } from "./drafters/universal.js";
import { MethodRegistry } from "./registry.js";

/** Every method of the product, by the name users give. Adding one is a file under drafters/ and a line here. */
export const methods: MethodRegistry = new MethodRegistry()
  .register(plain)
  .register(promptLookup)
  .register(suffixLookup)
  .register(tokenRecycling)
  .register(lookahead)
  .register(layerSkip)
  .register(medusa)
  .register(draftModel)
  .register(universal)
  .register(draftMedusa)
  .register(merged(() => methods.all));
