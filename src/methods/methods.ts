import { draft } from "./draft/draft.js";
import { draftMedusa } from "./draft-medusa/draft-medusa.js";
import { eagle } from "./eagle/eagle.js";
import { layerSkip } from "./layer-skip/layer-skip.js";
import { lookahead } from "./lookahead/lookahead.js";
import { medusa } from "./medusa/medusa.js";
import { merged } from "./merged/merged.js";
import { ngram } from "./ngram/ngram.js";
import { none } from "./none/none.js";
import { recycling } from "./recycling/recycling.js";
import { MethodRegistry } from "./registry.js";
import { suffix } from "./suffix/suffix.js";
import { universal } from "./universal/universal.js";

/** Every method of the product, by the name users give. Adding one is a folder beside this file and a line here. */
export const methods: MethodRegistry = new MethodRegistry()
  .register(none)
  .register(ngram)
  .register(suffix)
  .register(recycling)
  .register(lookahead)
  .register(layerSkip)
  .register(medusa)
  .register(eagle)
  .register(draft)
  .register(universal)
  .register(draftMedusa)
  .register(merged(() => methods.all));
