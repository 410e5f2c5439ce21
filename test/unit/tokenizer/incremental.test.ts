import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AutoTokenizer } from "../../../src/index.js";
import { IncrementalDetokenizer } from "../../../src/tokenizer/incremental-detokenizer.js";

const FOLDERS = ["models/target", "test/oracle/tokenizers/llama-bpe", "test/oracle/tokenizers/byte-level"];
const TEXT = "Ein Café — 你好 😀👨‍👩‍👧!  Two spaces, тест.\n\tEnd";

describe.each(FOLDERS)("incremental detokenisation of %s", (folder) => {
  it.each([true, false])("gives the pieces of the whole decoding (skip special tokens: %s)", async (skip) => {
    const tokenizer = await AutoTokenizer.fromPretrained(folder);
    // Any ids: halves of characters, bytes that are none, special tokens in between.
    const ids = fc.array(fc.nat(tokenizer.vocabSize - 1), { maxLength: 60 });
    fc.assert(
      fc.property(ids, (tokens) => {
        const stream = new IncrementalDetokenizer(tokenizer, { skipSpecialTokens: skip });
        const pieces = tokens.map((token) => stream.push(token));
        expect(pieces.join("") + stream.flush()).toBe(tokenizer.decode(tokens, { skipSpecialTokens: skip }));
      }),
      { numRuns: 400 },
    );
  });

  it("gives whole characters as soon as their last byte is there", async () => {
    const tokenizer = await AutoTokenizer.fromPretrained(folder);
    const tokens = tokenizer.encode(TEXT, { addSpecialTokens: false });
    const stream = new IncrementalDetokenizer(tokenizer);
    let text = "";
    for (const token of tokens) {
      const piece = stream.push(token);
      expect(piece).not.toContain("\uFFFD");
      // No half of a surrogate pair at either end.
      expect(Buffer.from(piece).toString()).toBe(piece);
      text += piece;
    }
    expect(text).toBe(TEXT);
    expect(stream.flush()).toBe("");
  });

  it("works on a window, not on the whole output", async () => {
    const tokenizer = await AutoTokenizer.fromPretrained(folder);
    const word = tokenizer.encode("the fox", { addSpecialTokens: false });
    const stream = new IncrementalDetokenizer(tokenizer);
    let longest = 0;
    const decode = tokenizer.decode.bind(tokenizer);
    tokenizer.decode = (ids, options) => {
      longest = Math.max(longest, ids.length);
      return decode(ids, options);
    };
    for (let i = 0; i < 2000; i++) stream.push(word[i % word.length]);
    expect(longest).toBeLessThan(100);
  });
});
