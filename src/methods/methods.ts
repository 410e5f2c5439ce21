import { draftModel } from "./draft/draft.js";
import { draftMedusa } from "./draft-medusa/draft-medusa.js";
import { layerSkip } from "./layer-skip/layer-skip.js";
import { lookahead } from "./lookahead/lookahead.js";
import { medusa } from "./medusa/medusa.js";
import { merged } from "./merged/merged.js";
import { promptLookup } from "./ngram/ngram.js";
import { plain } from "./none/none.js";
import { tokenRecycling } from "./recycling/recycling.js";
import { MethodRegistry } from "./registry.js";
import { suffixLookup } from "./suffix/suffix.js";
import { universal } from "./universal/universal.js";

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
