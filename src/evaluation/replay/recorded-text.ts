import type { CausalLM } from "../../engine/causal-lm.js";
import { readText } from "../../engine/read-text.js";
import { Need } from "../../engine/rows.js";
import type { TokenId } from "../../types/token.js";

/** Likeliest tokens kept of every row: as many as Medusa's trees use. */
const TOP = 10;
/** Rows that the text does not hold are guessed from places with the same last tokens, this many at most. */
const LONGEST = 3;

/** What one row says: what `PassResult` gives for it. */
export interface RecordedRow {
  ids: TokenId[];
  logits: Float32Array;
  logSumExp: number;
  hidden: Float32Array;
}

/** A text and the target's rows over it, from one plain pass. */
export class RecordedText {
  /** For any n tokens, n = 1 .. LONGEST, the places where the last of them stands. */
  private readonly places: Map<string, number[]>[] = Array.from({ length: LONGEST }, () => new Map());

  private constructor(
    readonly tokens: readonly TokenId[],
    private readonly rows: readonly RecordedRow[],
  ) {
    tokens.forEach((_, end) => {
      this.places.forEach((places, i) => {
        if (end < i) return;
        const ngram = tokens.slice(end - i, end + 1).join();
        const known = places.get(ngram);
        if (known) known.push(end);
        else places.set(ngram, [end]);
      });
    });
  }

  static async read(model: CausalLM, tokens: readonly TokenId[], signal?: AbortSignal): Promise<RecordedText> {
    const rows: RecordedRow[] = [];
    await readText(
      model,
      tokens,
      () => Need.top | Need.logSumExp | Need.hidden,
      (result, row) => {
        const { ids, logits } = result.top(row);
        const [logSumExp, hidden] = [result.logSumExp(row), result.hidden(row).slice()];
        rows.push({ ids, logits: logits.slice(), logSumExp, hidden });
      },
      { k: Math.min(TOP, model.vocabLimit), signal },
    );
    return new RecordedText(tokens, rows);
  }

  /** The row that read the token at this place. */
  row(place: number): RecordedRow {
    return this.rows[place];
  }

  /**
   * The row after other tokens, guessed: of the places with the most of the same last tokens, the one nearest to where
   * the row would stand.
   */
  guess(path: readonly TokenId[], near: number): RecordedRow | undefined {
    for (let n = Math.min(LONGEST, path.length); n > 0; n--) {
      const places = this.places[n - 1].get(path.slice(-n).join());
      if (!places) continue;
      return this.rows[places.reduce((a, b) => (Math.abs(b - near) < Math.abs(a - near) ? b : a))];
    }
    return undefined;
  }
}
