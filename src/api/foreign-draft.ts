import { hasSameTokenizer } from "../tokenizer/same-vocabulary.js";
import { UsageError } from "../types/errors.js";
import type { AssistantModel } from "./generate-options.js";

/** What drafts have another tokenizer than their target: comparing vocabularies takes time, so answers are kept. */
export class ForeignDrafts {
  private readonly known = new WeakMap<AssistantModel, boolean>();

  constructor(private readonly target: AssistantModel) {}

  /** Whether a draft has another tokenizer. @throws UsageError when nobody can tell, or it is the target itself */
  has(draft: AssistantModel): boolean {
    const { target } = this;
    if (draft === target) throw new UsageError("assistantModel is the target itself: give a smaller model");
    const known = this.known.get(draft);
    if (known !== undefined) return known;
    if ((!target.tokenizer || !draft.tokenizer) && target.model.vocabLimit !== draft.model.vocabLimit) {
      throw new UsageError("target and draft have no tokenizers to compare and vocabularies of different sizes");
    }
    const both = target.tokenizer && draft.tokenizer;
    const foreign = both ? !hasSameTokenizer(target.tokenizer!, draft.tokenizer!) : false;
    if (!foreign && draft.model.vocabLimit < target.model.vocabLimit) {
      throw new UsageError(
        `the draft has embeddings for ${draft.model.vocabLimit} tokens, the target for ${target.model.vocabLimit}: they do not belong together`,
      );
    }
    this.known.set(draft, foreign);
    return foreign;
  }
}
