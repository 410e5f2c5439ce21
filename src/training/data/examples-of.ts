import type { Tokenizer } from "../../tokenizer/tokenizer.js";
import type { TokenId } from "../../types/token.js";
import type { TrainingExample } from "../training-example.js";
import { BadLine } from "./bad-lines.js";
import { chatExample } from "./chat-example.js";
import type { TrainingRecord } from "./records.js";

/** What tokens count as labels: those of answers, where a record says which they are, or all. */
export type Loss = "assistant" | "all";

/**
 * A record as tokens. A text is cut into pieces of `length` tokens that each begin with the tokenizer's special tokens; a
 * conversation or a completion is one example, of which what is beyond `length` is left out.
 * @throws BadLine where nothing is left to learn
 */
export function examplesOf(
  record: TrainingRecord,
  tokenizer: Tokenizer,
  length: number,
  loss: Loss,
): TrainingExample[] {
  if (record.kind === "text") return piecesOf(record.text, tokenizer, length);
  const { tokens, lossMask } = record.kind === "chat" ? chat(record, tokenizer) : completion(record, tokenizer);
  if (loss === "all") return [{ tokens: tokens.slice(0, length) }];
  const mask = lossMask!.slice(0, length);
  if (mask.includes(true)) return [{ tokens: tokens.slice(0, length), lossMask: mask }];
  throw new BadLine(`has a prompt of more than ${length} tokens: no answer is left within the length trained on`);
}

/** Pieces of a text. */
export function piecesOf(text: string, tokenizer: Tokenizer, length: number): TrainingExample[] {
  const begin = tokenizer.encode("");
  const tokens = tokenizer.encode(text, { addSpecialTokens: false });
  const step = Math.max(1, length - begin.length);
  const pieces: TrainingExample[] = [];
  for (let from = 0; from < tokens.length; from += step) {
    pieces.push({ tokens: [...begin, ...tokens.slice(from, from + step)] });
  }
  return pieces;
}

const chat = ({ messages, complete }: TrainingRecord & { kind: "chat" }, tokenizer: Tokenizer) =>
  chatExample(tokenizer, messages, complete);

function completion(
  { prompt, completion, complete }: TrainingRecord & { kind: "completion" },
  tokenizer: Tokenizer,
): TrainingExample {
  const before = tokenizer.encode(prompt);
  const answer: TokenId[] = tokenizer.encode(completion, { addSpecialTokens: false });
  const end = tokenizer.eosTokenId;
  if (complete && end !== undefined && answer.at(-1) !== end) answer.push(end);
  const tokens = [...before, ...answer];
  return { tokens, lossMask: tokens.map((_, at) => at >= before.length) };
}
