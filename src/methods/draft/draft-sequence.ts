import type { CausalLM } from "../../engine/causal-lm.js";
import { JointPasses, type PassOptions } from "../../engine/joint-passes.js";
import { Need, type PassResult } from "../../engine/rows.js";
import type { Sequence } from "../../engine/sequence.js";
import type { TokenId } from "../../types/token.js";

/** Tokens that are read in the same pass as the text's last one; more (after plain steps) are read before. */
const MAX_CATCH_UP = 32;
/** A text goes another way than was thought at most this far from its end: what is foreseen in a step is shorter. */
const UNSURE = 256;

/** Tokens in order, of which the last may be taken together. */
export interface Text {
  readonly length: number;
  at(index: number): TokenId;
  tail(count: number): TokenId[];
}

/** Rows for a pass of a draft. */
export interface DraftRows {
  tokens: readonly TokenId[];
  /** As in TokenRows. */
  parents?: readonly number[];
  needs: readonly number[];
}

/**
 * A draft model's sequence, kept caught up with a text: rows that it read as candidates are kept where the text took
 * them, and dropped where it did not, so that nothing is computed twice.
 */
export class DraftSequence {
  private own: Sequence | undefined;
  private readonly passes: JointPasses;
  /** Tokens of the committed rows. */
  private readonly read: TokenId[];
  /** Tokens of the pending rows. */
  private readonly candidates: TokenId[] = [];

  constructor(
    private readonly model: CausalLM,
    from?: DraftSequence,
  ) {
    this.own = from?.own?.fork();
    this.read = from ? [...from.read] : [];
    this.passes = JointPasses.of(model);
  }

  /** Made when it is first needed: a drafter that has not begun holds nothing. */
  private get sequence(): Sequence {
    this.own ??= this.model.newSequence();
    return this.own;
  }

  /** Tokens of a text that still fit the draft's context, given its length. */
  roomAfter(length: number): number {
    return this.model.contextLength - length;
  }

  /** Rows that still fit the context, pending ones counted. */
  get room(): number {
    return this.roomAfter(this.read.length + this.sequence.pending);
  }

  /** Pending rows: where the next row's number begins. */
  get pending(): number {
    return this.sequence.pending;
  }

  /** Reads a prompt's next tokens. What the context cannot hold is left. */
  async readPrompt(tokens: readonly TokenId[], signal?: AbortSignal): Promise<void> {
    const part = tokens.slice(0, Math.max(0, this.roomAfter(this.read.length)));
    await this.model.prefill(this.sequence, part, { signal });
    this.read.push(...part);
  }

  /** Work of one step; its passes run together with those of other sequences in their steps. */
  step<T>(work: () => Promise<T>): Promise<T> {
    return this.passes.join(work);
  }

  /** Keeps the rows that the text took. Returns the tokens to read next, the text's last one at their end. */
  async catchUp(text: Text, signal?: AbortSignal): Promise<TokenId[]> {
    this.follow(text);
    const behind = text.tail(text.length - this.read.length);
    if (behind.length > MAX_CATCH_UP) await this.readPrompt(behind.splice(0, behind.length - MAX_CATCH_UP), signal);
    return behind;
  }

  /** Runs rows below earlier ones; they stay pending until the text takes them. */
  async forward<T>(rows: DraftRows, use: (result: PassResult) => T, options: PassOptions = {}): Promise<T> {
    const value = await this.passes.forward({ sequence: this.sequence, ...rows }, use, options);
    this.candidates.push(...rows.tokens);
    return value;
  }

  /** Runs a chain of tokens after the last pending row and uses its last row only. */
  async extend<T>(
    tokens: readonly TokenId[],
    need: number,
    use: (result: PassResult, row: number) => T,
    options?: PassOptions,
  ) {
    const last = tokens.length - 1;
    const needs = tokens.map((_, i) => (i === last ? need : Need.nothing));
    return this.forward({ tokens, needs }, (result) => use(result, last), options);
  }

  dispose(): void {
    this.own?.dispose();
  }

  /** All of the text but its last token, whose row is wanted anew, may be kept. */
  private follow(text: Text): void {
    const { sequence, read, candidates } = this;
    const last = text.length - 1;
    const same = sameUntil(read, text, last);
    if (same < read.length) {
      sequence.rollback(same);
      read.length = same;
    } else {
      const path: number[] = [];
      for (let row = 0; row < candidates.length && same + path.length < last; row++) {
        const parent = path.length > 0 ? path[path.length - 1] : -1;
        if (sequence.parentOf(row) === parent && candidates[row] === text.at(same + path.length)) path.push(row);
      }
      for (const row of path) read.push(candidates[row]);
      sequence.commit(path);
    }
    candidates.length = 0;
  }
}

/** How many of the first tokens, `end` at most, a text still has in common with what was read of it. */
export function sameUntil(read: readonly TokenId[], text: Text, end: number): number {
  const most = Math.min(read.length, end);
  let same = Math.max(0, most - UNSURE);
  while (same < most && read[same] === text.at(same)) same++;
  return same;
}
