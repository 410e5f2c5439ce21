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

  it.each([true, false])("continues the text of the tokens before (skip special tokens: %s)", async (skip) => {
    const tokenizer = await AutoTokenizer.fromPretrained(folder);
    const options = { skipSpecialTokens: skip };
    const parts = fc.tuple(fc.array(fc.nat(tokenizer.vocabSize - 1), { maxLength: 30 }), fc.nat(30));
    fc.assert(
      fc.property(parts, ([ids, place]) => {
        const [before, after] = [ids.slice(0, place), ids.slice(place)];
        const start = tokenizer.decode(before, options);
        const whole = tokenizer.decode(ids, options);
        // A prompt ends with a whole character; one that does not is the next test's.
        fc.pre(whole.startsWith(start) && !start.endsWith("\uFFFD"));
        const stream = new IncrementalDetokenizer(tokenizer, { ...options, after: before });
        const pieces = after.map((token) => stream.push(token));
        expect(start + pieces.join("") + stream.flush()).toBe(whole);
      }),
      { numRuns: 400 },
    );
  });

  it("cut anywhere, gives the characters that the prompt does not have", async () => {
    const tokenizer = await AutoTokenizer.fromPretrained(folder);
    const ids = tokenizer.encode(TEXT);
    for (let place = 0; place <= ids.length; place++) {
      const stream = new IncrementalDetokenizer(tokenizer, { after: ids.slice(0, place) });
      const text = ids.slice(place).map((id) => stream.push(id));
      const start = tokenizer.decode(ids.slice(0, place), { skipSpecialTokens: true }).replace(/\uFFFD+$/, "");
      expect(start + text.join("") + stream.flush(), String(place)).toBe(TEXT);
    }
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
