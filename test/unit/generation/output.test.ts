import { describe, expect, it } from "vitest";
import { Output } from "../../../src/generation/output.js";
import type { GenerationRequest } from "../../../src/generation/request.js";
import { AutoTokenizer } from "../../../src/index.js";
import { IncrementalDetokenizer } from "../../../src/tokenizer/incremental-detokenizer.js";

const request = (stopStrings: string[], skipSpecialTokens: boolean) =>
  ({
    stopStrings,
    skipSpecialTokens,
    stopTokenIds: new Set(),
    stoppingCriteria: [],
    maxNewTokens: 100,
  }) as unknown as GenerationRequest;

/** The output when a prompt is followed by the tokens of a text. */
async function outputOf(folder: string, prompt: string, rest: string, stops: string[], skip = true) {
  const tokenizer = await AutoTokenizer.fromPretrained(folder);
  const after = tokenizer.encode(prompt);
  // SentencePiece's kind writes a space before every text itself.
  const own = tokenizer.byteForm() === "byte_fallback" ? rest.replace(/^ /, "") : rest;
  const ids = tokenizer.encode(own, { addSpecialTokens: false });
  const stream = new IncrementalDetokenizer(tokenizer, { skipSpecialTokens: skip, after });
  const output = new Output(0, request(stops, skip), stream);
  let [text, taken] = ["", 0];
  for (const id of ids) {
    text += output.push(id, "target", () => []).text;
    taken++;
    if (output.finishReason) break;
  }
  text += output.flush();
  return { text, reason: output.finishReason, all: taken === ids.length };
}

/** What is seen of the text without its special tokens. */
const SKIPPED = " is a b";
const SENTENCE_PIECE = "test/oracle/tokenizers/llama-bpe";
const BYTE_LEVEL = "test/oracle/tokenizers/byte-level";

describe("an output", () => {
  it.each([SENTENCE_PIECE, BYTE_LEVEL])("begins with its space: %s", async (folder) => {
    expect((await outputOf(folder, "Once upon", " a time there", [])).text).toBe(" a time there");
    expect((await outputOf(folder, "def f(x):\n", "    return x", [])).text).toBe("    return x");
    expect((await outputOf(folder, "", "Once", [])).text).toBe("Once");
  });

  it.each([SENTENCE_PIECE, BYTE_LEVEL])("stops at a string that begins with its first space: %s", async (folder) => {
    const stopped = await outputOf(folder, "Once upon", " a time there", [" a t"]);
    expect(stopped).toEqual({ text: "", reason: "stop", all: false });
  });

  const special: [stops: string[], text: string, reason: string | undefined][] = [
    [["<|im_end|>"], " is a", "stop"],
    [["is a<|im_end|>"], " ", "stop"],
    [["a<|im_end|> b"], " is ", "stop"],
    [["<|im_end|> c"], SKIPPED, undefined],
  ];
  it.each(special)("stops at special tokens whether or not they are shown: %j", async (stops, text, reason) => {
    for (const skip of [true, false]) {
      const got = await outputOf(BYTE_LEVEL, "This", " is a<|im_end|> b<|im_end|>", stops, skip);
      expect(got.reason).toBe(reason);
      expect(got.text).toBe(text === SKIPPED && !skip ? " is a<|im_end|> b<|im_end|>" : text);
    }
  });
});
