import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AutoTokenizer, TokenizerError } from "../../../src/index.js";
import { Tokenizer, type TokenizerJson } from "../../../src/tokenizer/tokenizer.js";
import { readJson, temporaryFolder } from "../../support/models.js";
import { some } from "../../support/tier.js";

type Json = TokenizerJson & { model: { vocab: Record<string, unknown>; merges: unknown[] } };

/** The error of a tokenizer.json with one thing changed, when it is read or reads a text. */
function errorOf(change: (json: Json) => void, text = "Once upon"): Error {
  const json = readJson<Json>("test/oracle/tokenizers/byte-level/tokenizer.json");
  change(json);
  try {
    const tokenizer = new Tokenizer(json, {}, "tokenizer.json");
    tokenizer.decode(tokenizer.encode(text));
  } catch (error) {
    return error as Error;
  }
  throw new Error("it was accepted");
}

const nested = (levels: number, inner: unknown): unknown =>
  levels === 0 ? inner : { type: "Sequence", pretokenizers: [nested(levels - 1, inner)] };
const split = (regex: unknown) => ({ type: "Split", pattern: { Regex: regex }, behavior: "Isolated", invert: false });
const replace = (regex: string) => ({ type: "Replace", pattern: { Regex: regex }, content: "" });
const doubling = { type: "Replace", pattern: { String: "a" }, content: "aa" };
const template = (...single: unknown[]) => ({ type: "TemplateProcessing", single });
/** A text on which nested repetitions take longer than the sun will last. */
const LONG = `${"a".repeat(60)}!`;

function set(json: Json, part: keyof TokenizerJson, value: unknown): void {
  (json as unknown as Record<string, unknown>)[part] = value;
}

function setId(json: Json, id: unknown): void {
  json.model.vocab.a = id;
}

const damages: [string, (json: Json) => void, RegExp][] = [
  ["an id of 2147483647", (json) => setId(json, 2147483647), /"a" has the id 2147483647, expected an integer/],
  ["a negative id", (json) => setId(json, -1), /"a" has the id -1/],
  ["a fractional id", (json) => setId(json, 3.5), /"a" has the id 3.5/],
  ["an id that is a text", (json) => setId(json, "7"), /"a" has the id "7"/],
  ["an id twice", (json) => setId(json, json.model.vocab.b), /the tokens "." and "." have the same id \d+/],
  [
    "a list as vocabulary",
    (json) => set(json, "model", { ...json.model, vocab: [1] }),
    /model.vocab is \[1\], expected/,
  ],
  ["no vocabulary", (json) => set(json, "model", { type: "BPE" }), /model.vocab is undefined/],
  ["a merge of one token", (json) => json.model.merges.push("x"), /model.merges holds "x", expected two tokens/],
  ["an added token without text", (json) => set(json, "added_tokens", [{ id: 0 }]), /an added token is \{"id":0\}/],
  [
    "an added id out of range",
    (json) => set(json, "added_tokens", [{ id: 1e9, content: "x" }]),
    /has the id 1000000000/,
  ],
  ["added tokens that are no list", (json) => set(json, "added_tokens", 5), /added_tokens is 5, expected a list/],
  ["a part without a type", (json) => set(json, "pre_tokenizer", {}), /pre_tokenizer is \{\}, expected an object/],
  ["a part unknown", (json) => set(json, "pre_tokenizer", { type: "\u001b[2J" }), /\(the pre-tokenizer "\\u001b/],
  ["a pattern that is none", (json) => set(json, "pre_tokenizer", split(5)), /is no pattern, expected \{"Regex"/],
  ["a regex that is none", (json) => set(json, "pre_tokenizer", split("(")), /its pre_tokenizer cannot be used/],
  ["a template of nothing", (json) => set(json, "post_processor", template(null)), /its post_processor cannot be used/],
  [
    "a template with an unknown token",
    (json) => set(json, "post_processor", template({ SpecialToken: { id: "<x>" } })),
    /its post_processor adds the token "<x>", which has no id/,
  ],
  [
    "a decoder of a number",
    (json) => set(json, "decoder", { type: "Sequence", decoders: [5] }),
    /its decoder cannot be used/,
  ],
  [
    "a normalizer without pattern",
    (json) => set(json, "normalizer", { type: "Replace" }),
    /its normalizer .*no pattern/,
  ],
  ["deep nesting", (json) => set(json, "pre_tokenizer", nested(2000, null)), /pre_tokenizer is nested deeper than 32/],
  [
    "a text that doubles 40 times",
    (json) => set(json, "normalizer", { type: "Sequence", normalizers: Array(40).fill(doubling) }),
    /its normalizer makes a text more than 4096 times as long/,
  ],
  [
    "a space of two letters",
    (json) => set(json, "pre_tokenizer", { type: "Metaspace", replacement: "ab" }),
    /"ab" is no character/,
  ],
  ["a megabyte as a type", (json) => set(json, "decoder", { type: "x".repeat(1e6) }), /its decoder cannot be used/],
  [
    "a megabyte as a regex",
    (json) => set(json, "pre_tokenizer", split(`(${"a".repeat(1e6)}`)),
    /regular expression of 1000001 characters/,
  ],
];

/** The parts that can hold a regex, with one put in. */
const places: [string, (json: Json, regex: string) => void][] = [
  ["a Split", (json, regex) => set(json, "pre_tokenizer", split(regex))],
  ["a Replace before tokens", (json, regex) => set(json, "pre_tokenizer", replace(regex))],
  ["a normalizer", (json, regex) => set(json, "normalizer", replace(regex))],
];

describe("a damaged tokenizer.json", () => {
  it.each(damages)("is an error of one line: %s", (_, change, message) => {
    const error = errorOf(change);
    expect(error).toBeInstanceOf(TokenizerError);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^tokenizer\.json/);
    expect(error.message.length).toBeLessThan(400);
    expect(error.message).not.toMatch(/\p{Cc}/u);
  });

  const bombs = ["(?:a|a)*$", "(?i:(a*)*)c", "(?=(a+)+b)x", "(.*)*(.*)*(.*)*z"];
  it.each([
    ...places.map((place) => ["(a+)+$", ...place] as const),
    ...some(bombs, 2).map((bomb) => [bomb, ...places[0]] as const),
  ])("cannot make a regex run without end: %s in %s", (regex, _, change) => {
    const start = performance.now();
    const error = errorOf((json) => change(json, regex), LONG);
    expect(error).toBeInstanceOf(TokenizerError);
    expect(error.message).toMatch(/a regular expression of its (normalizer or )?pre_tokenizer takes too long/);
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  it("cannot make its decoder run without end", () => {
    const error = errorOf((json) => {
      json.decoder = replace("(a+)+$");
      json.added_tokens!.push({ id: 999, content: LONG, special: false });
    }, LONG);
    expect(error.message).toContain("a regular expression of its decoder takes too long");
  });

  it("cannot do it while it is loaded either", () => {
    const error = errorOf((json) => {
      json.normalizer = replace("(a+)+$");
      json.added_tokens!.push({ id: 999, content: LONG, special: false, normalized: true });
    });
    expect(error.message).toContain("a regular expression of its normalizer takes too long");
  });

  it("that is no JSON is named, with the reason on one line", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "tokenizer.json"), '{"a": \u001b[31m\n}');
    const error = await AutoTokenizer.fromPretrained(folder).catch((caught: Error) => caught as Error);
    expect(error).toBeInstanceOf(TokenizerError);
    expect((error as Error).message).toMatch(
      /tokenizer\.json is not valid JSON \(.*\): it is damaged, download it again$/,
    );
    expect((error as Error).message).not.toMatch(/\p{Cc}/u);
  });
});
