import { createHash } from "node:crypto";
import { join } from "node:path";
import { cacheDirectory } from "../../conversion/cache-directory.js";
import { fileDigests } from "../../files/digest.js";
import type { Tokenizer } from "../../tokenizer/tokenizer.js";
import { ForetokenError } from "../../types/errors.js";
import { boolean, choice, integer } from "../../types/option-kinds.js";
import { checkOptions, type OptionTable } from "../../types/option-table.js";
import { escaped } from "../../types/shown.js";
import type { TrainingExample } from "../training-example.js";
import { BadLines, type LeftOut, reportLeftOut } from "./bad-lines.js";
import { type DataFile, dataFiles } from "./data-files.js";
import { examplesOf, piecesOf, type TrainOn } from "./examples-of.js";
import { linesOf } from "./lines.js";
import { recordOf } from "./records.js";
import { readTokenCache, TokenCacheWriter } from "./token-cache.js";

export interface TrainingDataOptions {
  /** Longest example, tokens: texts are cut, conversations shortened. Default 512. */
  length?: number;
  /** "assistant": of conversations and completions only the answers are labels; "all": every token is. Default "assistant". */
  trainOn?: TrainOn;
  /** The first line that cannot be used is an error, instead of being left out and told at the end. Default false. */
  strict?: boolean;
}

const OPTIONS: OptionTable<TrainingDataOptions> = {
  length: integer(2),
  trainOn: choice(["assistant", "all"]),
  strict: boolean(),
};

/** Part of the key of kept tokens: what was made by another way of reading is not used. */
const VERSION = 2;
/** Characters of plain text that are tokenised at once: some thousand tokens. */
const PIECE = 16_384;

/**
 * Texts and conversations in files, as token ids with a mask: read as a stream each time that they are iterated over, in the same order. The
 * tokens of a whole reading are kept in the cache's folder `tokens`.
 */
export class TrainingData implements AsyncIterable<TrainingExample> {
  private constructor(
    private readonly path: string,
    private readonly files: readonly DataFile[],
    private readonly tokenizer: Tokenizer,
    private readonly options: Required<TrainingDataOptions>,
    /** A digest (hex) of the files' contents and of how they are read: other data has another one. */
    readonly fingerprint: string,
  ) {}

  /**
   * @param path a file of JSON lines (`messages`; ShareGPT's `conversations`; `prompt` and `completion`; `text`), a file of plain text, or
   *   a folder of such files
   * @throws UsageError for options and paths that make no sense
   */
  static async open(path: string, tokenizer: Tokenizer, given?: TrainingDataOptions): Promise<TrainingData> {
    const {
      length = 512,
      trainOn = "assistant",
      strict = false,
    } = checkOptions(OPTIONS, given, { of: "TrainingData" });
    const files = await dataFiles(path);
    const contents = await fileDigests(
      files.map((file) => file.path),
      join(cacheDirectory(), "digests"),
    );
    const kinds = files.map(({ kind }) => kind);
    const key = JSON.stringify([VERSION, contents, kinds, tokenizer.digest(), length, trainOn]);
    const fingerprint = createHash("sha256").update(key).digest("hex");
    return new TrainingData(path, files, tokenizer, { length, trainOn, strict }, fingerprint);
  }

  /** @throws ForetokenError where no line can be used, or with `strict` one cannot; the message names file and line */
  async *[Symbol.asyncIterator](): AsyncGenerator<TrainingExample> {
    const folder = join(cacheDirectory(), "tokens");
    const known = await readTokenCache(folder, this.fingerprint);
    if (known && !(this.options.strict && known.leftOut.bad > 0)) {
      reportLeftOut(this.path, known.leftOut);
      yield* known.examples;
      return;
    }
    const bad = new BadLines(this.options.strict);
    const writer = await TokenCacheWriter.create(folder, this.fingerprint);
    let examples = 0;
    try {
      for await (const example of this.read(bad)) {
        await writer.add(example);
        examples++;
        yield example;
      }
      if (examples === 0) throw nothingIn(this.path, bad.leftOut);
      await writer.finish(bad.leftOut);
    } finally {
      await writer.close();
      if (examples > 0) reportLeftOut(this.path, bad.leftOut);
    }
  }

  private async *read(bad: BadLines): AsyncIterable<TrainingExample> {
    const { length, trainOn } = this.options;
    for (const { path, kind } of this.files) {
      if (kind === "text") {
        for await (const text of pieces(path)) yield* piecesOf(text, this.tokenizer, length);
        continue;
      }
      for await (const { text, number } of linesOf(path)) {
        if (text.trim() === "") continue;
        bad.leftOut.lines++;
        let examples: TrainingExample[] = [];
        try {
          examples = examplesOf(recordOf(text), this.tokenizer, length, trainOn);
        } catch (error) {
          bad.add(error, path, number);
        }
        yield* examples;
      }
    }
  }
}

/** Plain text in pieces of whole lines. */
async function* pieces(path: string): AsyncIterable<string> {
  let piece = "";
  for await (const { text } of linesOf(path)) {
    piece += `${text}\n`;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}

function nothingIn(path: string, { reasons }: LeftOut): ForetokenError {
  const why = reasons.length > 0 ? `: ${reasons.join("; ")}` : ": there is no text in it";
  return new ForetokenError(`nothing in ${escaped(path)} can be trained on${why}`);
}
