import { describe, expect, it } from "vitest";
import { AutoTokenizer } from "../../../src/index.js";
import { assertSameTokenizer } from "../../../src/tokenizer/same-vocabulary.js";
import { Tokenizer, type TokenizerJson } from "../../../src/tokenizer/tokenizer.js";
import { DRAFT, readJson, TARGET } from "../../support/models.js";

type Json = TokenizerJson & { model: { vocab: Record<string, number>; merges: (string | string[])[] } };

const folder = "test/oracle/tokenizers/byte-level";
const original = () => readJson<Json>(`${folder}/tokenizer.json`);

/** The tokenizer with one thing changed. */
function changed(change: (json: Json) => void): Tokenizer {
  const json = original();
  change(json);
  return new Tokenizer(json, {}, "changed");
}

describe("target and draft tokenizers", () => {
  it("that are the same pass, however their merges are written", async () => {
    assertSameTokenizer(await AutoTokenizer.fromPretrained(TARGET), await AutoTokenizer.fromPretrained(DRAFT));
    const joined = changed((json) => {
      json.model.merges = json.model.merges.map((merge) => (Array.isArray(merge) ? merge.join(" ") : merge.split(" ")));
    });
    assertSameTokenizer(await AutoTokenizer.fromPretrained(folder), joined);
  });

  const differences: [string, (json: Json) => void, RegExp][] = [
    [
      "two tokens swapped",
      ({ model: { vocab } }) => {
        [vocab.a, vocab.b] = [vocab.b, vocab.a];
      },
      /token "a" is \d+ for the target and \d+ for the draft/,
    ],
    ["a token missing", ({ added_tokens }) => added_tokens!.splice(3, 1), /"<tool>" is 503 .* unknown to the draft/],
    [
      "a token more",
      ({ added_tokens }) => added_tokens!.push({ ...added_tokens![3], id: 504, content: "<more>" }),
      /draft has the token "<more>"/,
    ],
    ["merges in another order", ({ model }) => model.merges.reverse(), /differ in their merges/],
    [
      "a special token that is plain for the other",
      ({ added_tokens }) => {
        added_tokens![0].special = false;
      },
      /differ in their special tokens/,
    ],
    [
      "another way to cut words",
      (json) => {
        json.pre_tokenizer = (json.pre_tokenizer as { pretokenizers: unknown[] }).pretokenizers[1];
      },
      /differ in their pre-tokenizer/,
    ],
    [
      "another normalizer",
      (json) => {
        json.normalizer = { type: "Lowercase" };
      },
      /differ in their normalizer/,
    ],
  ];

  it.each(differences)("are refused for %s, with advice", async (_, change, message) => {
    const target = await AutoTokenizer.fromPretrained(folder);
    expect(() => assertSameTokenizer(target, changed(change))).toThrow(message);
    expect(() => assertSameTokenizer(target, changed(change))).toThrow(
      /choose a draft of the same model family, or method universal/,
    );
  });
});
