import type { TokenId } from "../types/token.js";
import type { GrammarInstance } from "./grammar-instance.js";
import type { TokenHistory } from "./history.js";
import type { MatcherHandle } from "./xgrammar.js";

/** Forbids tokens by what is in the output. */
export interface TokenConstraint {
  /** Sets the logits of forbidden tokens to -Infinity. @throws UsageError when the grammar cannot be followed further */
  apply(logits: Float32Array, history: TokenHistory): void;
  dispose(): void;
}

/** Follows one output: goes on and back as verifiers and drafters push tokens and pop them. */
export class GrammarConstraint implements TokenConstraint {
  private readonly accepted: TokenId[] = [];
  private readonly matcher: MatcherHandle;
  private disposed = false;

  /** Uses the instance until it is disposed of. */
  constructor(private readonly instance: GrammarInstance) {
    const { binding, grammar } = instance;
    this.matcher = instance.run(() => new binding.GrammarMatcher(grammar, undefined, false, -1));
    instance.users++;
  }

  apply(logits: Float32Array, history: TokenHistory): void {
    this.instance.run(() => {
      // A path that left the grammar, or ended, is never verified: only proposals ask for what comes after it.
      if (this.follow(history) && !this.matcher.IsTerminated()) this.forbid(logits);
    });
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    // Whatever a failed instance held goes with its memory.
    if (this.instance.usable) this.matcher.delete();
    this.instance.release();
  }

  private forbid(logits: Float32Array): void {
    const mask = this.matcher.GetNextTokenBitmask(logits.length);
    const words = this.instance.binding.vecIntToView(mask);
    for (let i = 0; i < words.length; i++) {
      const word = words[i];
      if (word === -1) continue;
      const end = Math.min(32, logits.length - 32 * i);
      for (let bit = 0; bit < end; bit++) if (((word >>> bit) & 1) === 0) logits[32 * i + bit] = -Infinity;
    }
    mask.delete();
  }

  /** Brings the matcher to the history's output; false when that is no text of the grammar. */
  private follow(history: TokenHistory): boolean {
    const { accepted, matcher } = this;
    const first = history.length - history.newTokens;
    let same = 0;
    while (same < accepted.length && same < history.newTokens && accepted[same] === history.at(first + same)) same++;
    if (same < accepted.length) {
      matcher.Rollback(accepted.length - same);
      accepted.length = same;
    }
    for (let i = same; i < history.newTokens; i++) {
      const token = history.at(first + i);
      if (matcher.IsTerminated() || !matcher.AcceptToken(token, false)) return false;
      accepted.push(token);
    }
    return true;
  }
}
