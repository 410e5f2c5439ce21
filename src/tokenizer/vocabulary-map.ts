import type { TokenId } from "../types/token.js";
import type { Tokenizer } from "./tokenizer.js";

/** Tokens that two tokenizers have in common: the same text under another id. */
export class VocabularyMap {
  /** For each of the target's ids the draft's, or -1. */
  private readonly toDraftId: Int32Array;
  /** For each of the draft's ids the target's, or -1. */
  readonly toTarget: Int32Array;
  /** The draft's tokens for those of the target's that it does not have, once they were asked for. */
  private readonly spelled = new Map<TokenId, TokenId[]>();
  /** Tokens in common. */
  readonly shared: number = 0;

  constructor(
    private readonly target: Tokenizer,
    private readonly draft: Tokenizer,
  ) {
    this.toDraftId = new Int32Array(target.vocabSize).fill(-1);
    this.toTarget = new Int32Array(draft.vocabSize).fill(-1);
    // Pieces are comparable when both write bytes the same way.
    if (target.byteForm() !== draft.byteForm()) return;
    const draftIds = draft.vocabulary;
    for (const [piece, id] of target.vocabulary) {
      const other = draftIds.get(piece);
      // A name that is special to one of them only is text to the other.
      if (other === undefined || target.specialTokenIds.has(id) !== draft.specialTokenIds.has(other)) continue;
      this.toDraftId[id] = other;
      this.toTarget[other] = id;
      this.shared++;
    }
  }

  /** The draft's tokens for one of the target's: its own, or those of its text. */
  toDraft(token: TokenId): TokenId[] {
    const own = token < this.toDraftId.length ? this.toDraftId[token] : -1;
    if (own >= 0) return [own];
    const known = this.spelled.get(token);
    if (known) return known;
    const pieces = this.draft.encode(this.target.decode([token]), { addSpecialTokens: false });
    this.spelled.set(token, pieces);
    return pieces;
  }
}
