import type { PassResult } from "../../engine/rows.js";
import type { StepPlan } from "../../methods/drafter.js";
import { RuntimeError } from "../../types/errors.js";
import type { TokenId } from "../../types/token.js";
import type { RecordedRow, RecordedText } from "./recorded-text.js";

/**
 * The rows that a step's pass would have had. Rows on the text are the recorded ones; others are guessed, and counted
 * when a drafter looks at them: without such looks a replay is exact.
 */
export class RecordedRows implements PassResult {
  guessed = 0;
  private readonly tokens: readonly TokenId[];
  private readonly parents: readonly number[];
  /** The place in the text of each row; -1 off the text. */
  private readonly places: number[];

  constructor(
    private readonly text: RecordedText,
    { tree, extra }: StepPlan,
    /** The place of the root. */
    private readonly root: number,
  ) {
    this.tokens = extra ? [...tree.tokens, ...extra.tokens] : tree.tokens;
    this.parents = extra ? [...tree.parents, ...extra.parents] : tree.parents;
    this.places = [];
    this.tokens.forEach((token, row) => {
      const above = row === 0 ? root - 1 : this.places[this.parents[row]];
      const follows = (row === 0 || above >= 0) && text.tokens[above + 1] === token;
      this.places.push(follows ? above + 1 : -1);
    });
  }

  get count(): number {
    return this.tokens.length;
  }

  /** The token that the text has after this row's; undefined off the text and at its end. */
  next(row: number): TokenId | undefined {
    const place = this.places[row];
    return place < 0 ? undefined : this.text.tokens[place + 1];
  }

  logits(): never {
    throw new RuntimeError("a replay keeps no rows of logits: ask for the likeliest tokens");
  }

  argmax(row: number): TokenId {
    return this.row(row)?.ids[0] ?? this.tokens[row];
  }

  top(row: number): { ids: TokenId[]; logits: Float32Array } {
    return this.row(row) ?? { ids: [], logits: new Float32Array(0) };
  }

  logSumExp(row: number): number {
    return this.row(row)?.logSumExp ?? 0;
  }

  hidden(row: number): Float32Array {
    return (this.row(row) ?? this.text.row(this.root)).hidden;
  }

  auxiliary(): never {
    throw new RuntimeError("a replay keeps no residual streams: read the text with them before");
  }

  private row(row: number): RecordedRow | undefined {
    const place = this.places[row];
    if (place >= 0) return this.text.row(place);
    this.guessed++;
    const path: TokenId[] = [];
    for (let at = row; at >= 0; at = this.parents[at]) path.unshift(this.tokens[at]);
    return this.text.guess(path, this.root + path.length - 1);
  }
}
