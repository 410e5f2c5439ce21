import { expect, test } from "vitest";
import { AutoTokenizer, UsageError } from "../../../src/index.js";
import { TARGET } from "../../support/models.js";

const tokenizer = await AutoTokenizer.fromPretrained(TARGET);

const calls: [says: string, call: () => unknown][] = [
  ['Did you mean "addSpecialTokens"?', () => tokenizer.encode("x", { addSpecialToken: false } as never)],
  ["addSpecialTokens must be true or false", () => tokenizer.encode("x", { addSpecialTokens: 0 } as never)],
  ['Did you mean "skipSpecialTokens"?', () => tokenizer.decode([5], { skip_special_tokens: true } as never)],
  ["options of decode must be an object, got true", () => tokenizer.decode([5], true as never)],
  ["integers from 0, got NaN in it", () => tokenizer.decode([5, Number.NaN])],
  ["got -1 in it", () => tokenizer.decode([-1])],
  ["got 1.5 in it", () => tokenizer.decode([1.5])],
  ['got "5" in it', () => tokenizer.decode(["5"] as never)],
  ["got undefined in it", () => tokenizer.decode(new Array(2))],
  ["got the bigint 5 in it", () => tokenizer.decode(BigInt64Array.of(5n) as never)],
];

test.each(calls)("encode and decode refuse what they do not know: %s", (says, call) => {
  expect(call).toThrow(UsageError);
  expect(call).toThrow(says);
});

test("ids beyond the tokenizer's own have no text, as rows that a model's vocabulary is padded with", () => {
  expect(tokenizer.decode([99_999])).toBe("");
  const ids = tokenizer.encode("One day");
  expect(tokenizer.decode([...ids, tokenizer.vocabSize])).toBe(tokenizer.decode(ids));
  expect(tokenizer.decode(Int32Array.from(ids) as never, null as never)).toBe(tokenizer.decode(ids));
  expect(tokenizer.encode("One day", { addSpecialTokens: undefined })).toEqual(ids);
});
