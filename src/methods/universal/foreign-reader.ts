import type { CausalLM } from "../../engine/causal-lm.js";
import { Need, type PassResult } from "../../engine/rows.js";
import type { VocabularyMap } from "../../tokenizer/vocabulary-map.js";
import type { TokenId } from "../../types/token.js";
import { DraftSequence, sameUntil, type Text } from "../draft/draft-sequence.js";

/** What is done with a row of logits. */
type Use<T> = (result: PassResult, row: number) => T;

/** A draft model with a tokenizer of its own, reading the target's text: each token as its own tokens for the same text. */
export class ForeignReader {
  private readonly sequence: DraftSequence;
  /** The target's tokens that were translated, and how many of the draft's own there are up to the end of each. */
  private readonly translated: TokenId[];
  private readonly ends: number[];
  private readonly own: TokenId[];

  constructor(
    readonly model: CausalLM,
    readonly map: VocabularyMap,
    from?: ForeignReader,
  ) {
    this.sequence = new DraftSequence(model, from?.sequence);
    this.translated = [...(from?.translated ?? [])];
    this.ends = [...(from?.ends ?? [])];
    this.own = [...(from?.own ?? [])];
  }

  /** The text no longer fits the draft's context. */
  get full(): boolean {
    return this.own.length > this.model.contextLength;
  }

  /** Reads a prompt's next tokens. Stops where the draft's context is full. */
  readPrompt(tokens: readonly TokenId[], signal?: AbortSignal): Promise<void> {
    const first = this.own.length;
    this.translate(tokens);
    return this.sequence.readPrompt(this.own.slice(first), signal);
  }

  /** Work of one step; its passes run together with those of other sequences in their steps. */
  step<T>(work: () => Promise<T>): Promise<T> {
    return this.sequence.step(work);
  }

  /** Reads what is new of the target's text and shows its last row; undefined when the text does not fit. */
  async readText<T>(text: Text, use: Use<T>, signal?: AbortSignal): Promise<{ value: T } | undefined> {
    const same = sameUntil(this.translated, text, text.length);
    this.translated.length = same;
    this.ends.length = same;
    this.own.length = this.ends[same - 1] ?? 0;
    this.translate(text.tail(text.length - same));
    const { own } = this;
    if (own.length === 0 || this.full) return undefined;
    const ownText: Text = { length: own.length, at: (i) => own[i], tail: (n) => (n > 0 ? own.slice(-n) : []) };
    const behind = await this.sequence.catchUp(ownText, signal);
    return { value: await this.sequence.extend(behind, Need.logits, use, { signal }) };
  }

  /** Reads on behind what was read, in the draft's own tokens; undefined when they do not fit. */
  async readOn<T>(own: readonly TokenId[], use: Use<T>, signal?: AbortSignal): Promise<{ value: T } | undefined> {
    if (own.length === 0 || own.length > this.sequence.room) return undefined;
    return { value: await this.sequence.extend(own, Need.logits, use, { signal }) };
  }

  dispose(): void {
    this.sequence.dispose();
  }

  private translate(tokens: readonly TokenId[]): void {
    for (const token of tokens) {
      this.own.push(...this.map.toDraft(token));
      this.translated.push(token);
      this.ends.push(this.own.length);
    }
  }
}
