import type { EagleHeads } from "../../engine/eagle-heads.js";
import { JointPasses, type PassOptions } from "../../engine/joint-passes.js";
import { PREFILL_CHUNK } from "../../engine/prefill.js";
import { type Feature, Need, type PassResult } from "../../engine/rows.js";
import type { Sequence } from "../../engine/sequence.js";
import type { TokenId } from "../../types/token.js";
import { sameUntil, type Text } from "../draft/draft-sequence.js";
import type { FeatureSource } from "./features.js";

/** Rows that are read in the same pass as the text's last one; more (after plain steps) are read before. */
const MAX_CATCH_UP = 32;

/** A row of the text: a token with the target's feature at the token before it. */
interface TextRow {
  place: number;
  token: TokenId;
  feature: Feature;
}

/** Rows of candidates below the text. */
export interface GuessRows {
  tokens: readonly TokenId[];
  /** Pending rows that the tokens stand under; -1 for the text's last. */
  parents: readonly number[];
  features: readonly Feature[];
  needs: readonly number[];
}

/**
 * The draft layer's sequence, kept caught up with a text. Only rows with the target's own features stay in its cache: those
 * that were read as candidates had guesses in their place, and are read again. Tokens whose feature nobody has seen are
 * left out.
 */
export class FeatureSequence {
  private own: Sequence | undefined;
  private readonly passes: JointPasses;
  /** Places and tokens of the rows that were read. */
  private readonly places: number[];
  private readonly tokens: TokenId[];

  constructor(
    private readonly heads: EagleHeads,
    private readonly features: FeatureSource,
    from?: FeatureSequence,
  ) {
    this.own = from?.own?.fork();
    this.places = from ? [...from.places] : [];
    this.tokens = from ? [...from.tokens] : [];
    this.passes = JointPasses.of(heads.model);
  }

  /** A sequence in the same state, over features of its own. */
  fork(features: FeatureSource): FeatureSequence {
    return new FeatureSequence(this.heads, features, this);
  }

  /** Pending rows: where the next row's number begins. */
  get pending(): number {
    return this.sequence.pending;
  }

  /** Rows that still fit. The engine wants a spare one. */
  get room(): number {
    const { capacity, length, pending } = this.sequence;
    return capacity - length - pending - 1;
  }

  /** Work of one step; its passes run together with those of other sequences in their steps. */
  step<T>(work: () => Promise<T>): Promise<T> {
    return this.passes.join(work);
  }

  /** Reads what is new in a text, all but its last token. */
  async follow(text: Text, signal?: AbortSignal): Promise<void> {
    this.dropWrong(text);
    await this.readAhead(this.newRows(text, text.length - 1), signal);
  }

  /**
   * Reads what is new in a text and gives what is asked of its last token's row.
   * @returns undefined where the feature before that token is not known
   */
  async readTo<T>(
    text: Text,
    need: number,
    use: (result: PassResult, row: number) => T,
    options: PassOptions,
  ): Promise<T | undefined> {
    this.dropWrong(text);
    const rows = this.newRows(text, text.length);
    const last = rows.length - 1;
    if (rows[last]?.place !== text.length - 1) return undefined;
    const now = rows.splice(-MAX_CATCH_UP);
    await this.readAhead(rows, options.signal);
    const needs = now.map((_, i) => (i === now.length - 1 ? need : Need.nothing));
    const value = await this.passes.forward(this.rowsOf(now, needs), (result) => use(result, now.length - 1), options);
    this.keep(now);
    return value;
  }

  /** Runs candidates below the text; they stay pending until the text is read on. */
  guess<T>(rows: GuessRows, use: (result: PassResult) => T, options: PassOptions): Promise<T> {
    return this.passes.forward({ sequence: this.sequence, ...rows }, use, options);
  }

  dispose(): void {
    this.own?.dispose();
  }

  /** Made when it is first needed: a drafter that has not begun holds nothing. */
  private get sequence(): Sequence {
    this.own ??= this.heads.model.newSequence();
    return this.own;
  }

  /** Drops candidates, and rows of a text that went another way. The last token's row is wanted anew. */
  private dropWrong(text: Text): void {
    const { places, tokens } = this;
    const end = places.findLastIndex((place) => place < text.length - 1) + 1;
    const read: Text = { length: end, at: (i) => text.at(places[i]), tail: () => [] };
    const same = sameUntil(tokens, read, end);
    this.sequence.rollback(same);
    places.length = same;
    tokens.length = same;
  }

  /** Rows of the text up to `end` that were not read and whose feature is known, as many as the layer's context takes. */
  private newRows(text: Text, end: number): TextRow[] {
    const room = this.heads.model.contextLength - this.tokens.length;
    const from = Math.max(1, this.features.first + 1, (this.places.at(-1) ?? 0) + 1);
    const rows: TextRow[] = [];
    for (let place = from; place < end && rows.length < room; place++) {
      const streams = this.features.at(place - 1);
      if (streams) rows.push({ place, token: text.at(place), feature: { streams } });
    }
    return rows;
  }

  private async readAhead(rows: readonly TextRow[], signal?: AbortSignal): Promise<void> {
    for (let start = 0; start < rows.length; start += PREFILL_CHUNK) {
      const part = rows.slice(start, start + PREFILL_CHUNK);
      const nothing = part.map(() => Need.nothing);
      await this.heads.model.forward([this.rowsOf(part, nothing)], () => undefined, { signal });
      this.keep(part);
    }
  }

  private rowsOf(rows: readonly TextRow[], needs: readonly number[]) {
    const tokens = rows.map(({ token }) => token);
    return { sequence: this.sequence, tokens, needs, features: rows.map(({ feature }) => feature) };
  }

  private keep(rows: readonly TextRow[]): void {
    this.sequence.commit(rows.map((_, i) => i));
    for (const { place, token } of rows) {
      this.places.push(place);
      this.tokens.push(token);
    }
    if (rows.length > 0) this.features.forgetBefore(rows[rows.length - 1].place - 1);
  }
}
