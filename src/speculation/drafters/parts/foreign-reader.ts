import type { CausalLM } from "../../../engine/causal-lm.js";
import { Need, type PassResult } from "../../../engine/rows.js";
import type { Sequence } from "../../../engine/sequence.js";
import type { VocabularyMap } from "../../../tokenizer/vocabulary-map.js";
import type { TokenId } from "../../../types/token.js";

/** Rows of a pass when a draft catches up with a prompt. */
const CHUNK = 64;

/** A draft model with a tokenizer of its own, reading the target's tokens: each as its own tokens for the same text. */
export class ForeignReader {
  private ownSequence: Sequence | undefined;
  /** Draft rows of every target token that was read and not committed yet, in order. */
  private rows: number[] = [];
  /** Target tokens whose rows are committed. */
  private done = 0;
  /** The text no longer fits the draft's context: nothing is read any more. */
  private isFull = false;

  constructor(
    readonly model: CausalLM,
    readonly map: VocabularyMap,
    from?: ForeignReader,
  ) {
    this.ownSequence = from?.sequence.fork();
    this.done = from?.done ?? 0;
    this.isFull = from?.isFull ?? false;
  }

  private get sequence(): Sequence {
    this.ownSequence ??= this.model.newSequence();
    return this.ownSequence;
  }

  get full(): boolean {
    return this.isFull;
  }

  /** Target tokens that are committed here. */
  get length(): number {
    return this.done;
  }

  /** Commits tokens for good, such as a prompt. Stops where the draft's context is full. */
  async commitAll(tokens: readonly TokenId[], signal?: AbortSignal): Promise<void> {
    for (let start = 0; start < tokens.length; start += CHUNK) {
      const part = tokens.slice(start, start + CHUNK);
      if (!(await this.read(part, () => undefined, Need.nothing, signal))) return;
      this.commit(part.length);
    }
  }

  /** Reads tokens after what was read before and hands the last row to `use`; undefined when they do not fit. */
  async read<T>(
    tokens: readonly TokenId[],
    use: (result: PassResult, row: number) => T,
    need: number = Need.logits,
    signal?: AbortSignal,
  ): Promise<{ value: T } | undefined> {
    const pieces = tokens.map((token) => this.map.toDraft(token));
    const own = pieces.flat();
    const found = await this.readOwn(own, use, need, signal);
    if (found) this.rows.push(...pieces.map((piece) => piece.length));
    else if (own.length > 0) this.isFull = true;
    return found;
  }

  /** The same for tokens of the draft's own, which are never committed. */
  async readOwn<T>(
    own: readonly TokenId[],
    use: (result: PassResult, row: number) => T,
    need: number = Need.logits,
    signal?: AbortSignal,
  ): Promise<{ value: T } | undefined> {
    const { sequence, model } = this;
    if (own.length === 0 || sequence.length + sequence.pending + own.length > model.contextLength) return undefined;
    const needs = own.map((_, i) => (i === own.length - 1 ? need : Need.nothing));
    const value = await model.forward([{ sequence, tokens: own, needs }], (result) => use(result, own.length - 1), {
      signal,
    });
    return { value };
  }

  /** Keeps the rows of the first `count` tokens that were read since the last commit; drops the others. */
  commit(count: number): void {
    const kept = this.rows.slice(0, count);
    const rows = kept.reduce((sum, n) => sum + n, 0);
    this.sequence.commit(Array.from({ length: rows }, (_, i) => i));
    this.done += kept.length;
    this.rows = [];
  }

  dispose(): void {
    this.ownSequence?.dispose();
  }
}
