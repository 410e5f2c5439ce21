import type { LanguageModel } from "../api/language-model.js";
import { pieces } from "../training/pieces.js";
import type { TrainingExamples } from "../training/training-example.js";
import { UsageError } from "../types/errors.js";
import type { TokenId } from "../types/token.js";
import { ownText } from "./own-text.js";
import type { CalibrateSettings } from "./settings.js";

/** Texts one after the other, cut into sequences of `length` tokens. Tokens see those of their own text in their sequence. */
export interface CalibrationText {
  ids: BigInt64Array;
  /** Places in the text, from 0 again where a sequence begins. */
  positions: BigInt64Array;
  /** The number of the token's text. */
  segments: BigInt64Array;
  length: number;
}

/** The text that is given, or that the model writes. @throws UsageError where there is none, and for what are no token ids */
export async function calibrationText(model: LanguageModel, settings: CalibrateSettings): Promise<CalibrationText> {
  const { examples, tokens: most, sequenceLength, onProgress } = settings;
  const texts = examples ? givenText(examples, settings, model.model.vocabLimit) : ownText(model, settings);
  const read: (readonly TokenId[])[] = [];
  let count = 0;
  for await (const tokens of texts) {
    read.push(tokens);
    count += tokens.length;
    onProgress?.({ stage: "text", tokens: Math.min(most, count), most });
    if (count >= most) break;
  }
  if (count === 0) throw new UsageError("there is nothing to calibrate on: the examples hold no tokens");
  return packed(read, Math.min(most, count), sequenceLength);
}

async function* givenText(examples: TrainingExamples, { sequenceLength, signal }: CalibrateSettings, limit: number) {
  for await (const example of examples) {
    signal?.throwIfAborted();
    for (const { tokens } of pieces(example, sequenceLength, limit)) yield tokens;
  }
}

/** The first `most` tokens, but for those at the end that fill no sequence; where all fill none, they are a shorter one. */
export function packed(texts: readonly (readonly TokenId[])[], most: number, sequenceLength: number): CalibrationText {
  const length = Math.min(sequenceLength, most);
  const count = most - (most % length);
  const text = {
    ids: new BigInt64Array(count),
    positions: new BigInt64Array(count),
    segments: new BigInt64Array(count),
    length,
  };
  let at = 0;
  for (const [segment, tokens] of texts.entries()) {
    let start = at;
    for (const token of tokens) {
      if (at === count) return text;
      if (at % length === 0) start = at;
      text.ids[at] = BigInt(token);
      text.positions[at] = BigInt(at - start);
      text.segments[at] = BigInt(segment);
      at++;
    }
  }
  return text;
}
