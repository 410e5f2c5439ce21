import { expect, test } from "vitest";
import { compileGrammar, type GrammarSpec } from "../../../src/sampling/grammar.js";
import { MEMORY_LIMIT, newXGrammarInstance } from "../../../src/sampling/xgrammar.js";
import { AutoTokenizer } from "../../../src/tokenizer/auto-tokenizer.js";
import { Tokenizer } from "../../../src/tokenizer/tokenizer.js";
import { runWithin, TimeLimitError } from "../../../src/types/time-limit.js";
import { model, TARGET } from "../../support/models.js";

const nested = (depth: number): object =>
  depth > 0 ? { type: "array", items: nested(depth - 1) } : { type: "integer" };
const brackets = (depth: number, inner: string) => `${"(".repeat(depth)}${inner}${")".repeat(depth)}`;
const words = (count: number) => Array.from({ length: count }, (_, i) => `"w${i}"`).join(" | ");

const ambiguous = (i: number) => `([a-z] "b" | x${i}){1,1000}`;
const rules = (count: number) =>
  Array.from({ length: count }, (_, i) => `\nx${i} ::= "ab" x${i} | [^a-z]{3,300} ${ambiguous((i + 1) % count)}`).join(
    "",
  );

const HOSTILE: Record<string, [GrammarSpec, reason: string]> = {
  "nested schemas": [{ jsonSchema: nested(3000) }, "more than 128 levels deep"],
  "nested brackets": [{ ebnf: `root ::= ${brackets(20_000, '"a"')}` }, "brackets more than 256 deep"],
  "repetitions of repetitions": [{ ebnf: 'root ::= (("a"{1000}){1000}){1000}' }, "elements, repetitions included"],
  "the same with spaces": [{ ebnf: 'root ::= (("a" { 1 , 100 })\n{100,}){1,100}' }, "elements, repetitions included"],
  "many wide classes": [
    { ebnf: `root ::= ${'[^a]{0,1000} "a" '.repeat(50)}` },
    "places where any character may stand, and may have 3051 with this vocabulary",
  ],
  "large counts": [{ ebnf: 'root ::= "a"{1,100000000000}' }, "repeats 100000000000 times"],
  "large counts in a schema": [{ jsonSchema: { type: "string", maxLength: 1e9 } }, "repeats 1000000000 times"],
  "many words": [{ ebnf: `root ::= ${words(200_000)}` }, "characters, and may have 524288"],
  "many constants": [
    { jsonSchema: { enum: Array.from({ length: 60_000 }, (_, i) => `value${i}`) } },
    "characters, and may have 524288",
  ],
  "classes beyond ASCII": [{ ebnf: "root ::= [a-zé]+" }, '"é" is beyond ASCII'],
  "ambiguous repetition": [{ ebnf: `root ::= ${ambiguous(0)}${rules(8)}` }, "it takes too long"],
  "no root": [{ ebnf: 'x ::= "a"' }, 'The root rule with name "root" is not found'],
  "an open string": [{ ebnf: 'root ::= "a' }, 'Expect " in string literal'],
  "a long unknown name": [{ ebnf: `root ::= ${"n".repeat(400_000)}` }, "EBNF parser error at line 1"],
};

test.each(Object.entries(HOSTILE))("refused: %s", async (_, [spec, reason]) => {
  const { tokenizer, config } = await model(TARGET, "q8");
  const rss = process.memoryUsage().rss;
  const start = performance.now();
  const error = await compileGrammar(spec, tokenizer!, [config.bosTokenId ?? 0]).catch((e: Error) => e);
  // A second each, of a machine that does nothing else.
  expect(performance.now() - start).toBeLessThan(8000);
  expect(process.memoryUsage().rss - rss).toBeLessThan(200e6);
  expect(error).toMatchObject({ name: "UsageError" });
  expect((error as Error).message).toMatch(/^[^\n]{0,330}$/);
  expect((error as Error).message).toContain(reason);
});

test("deep and large grammars within the limits compile", async () => {
  const { tokenizer } = await model(TARGET, "q8");
  const all: GrammarSpec[] = [
    { jsonSchema: nested(100) },
    { ebnf: `root ::= ${brackets(250, '"a"')}` },
    { ebnf: `root ::= ${words(5000)}` },
    { ebnf: 'root ::= "a"{1000000} # ((((' },
    { ebnf: `root ::= "${"(".repeat(2000)}" [([)\\]]` },
  ];
  for (const spec of all) (await compileGrammar(spec, tokenizer!, [0])).dispose();
});

test.each(["llama-bpe", "byte-level"])("grammars compile for a vocabulary of any size: %s", async (name) => {
  const { json } = await AutoTokenizer.fromPretrained(`test/oracle/tokenizers/${name}`);
  for (let more = 0; more < 4; more++) {
    const added = Array.from({ length: more }, (_, i) => ({ ...json.added_tokens![0], id: 0, content: `<more ${i}>` }));
    const tokenizer = new Tokenizer({ ...json, added_tokens: [...json.added_tokens!, ...added] }, {}, name);
    (await compileGrammar({ ebnf: 'root ::= " no"' }, tokenizer, [0])).dispose();
  }
});

test("the library's recursion ends in an error before its stack runs into anything else", async () => {
  const { binding } = await newXGrammarInstance();
  expect(() => binding.Grammar.FromEBNF(`root ::= ${brackets(20_000, '"a"')}`, "root")).toThrow(RangeError);
});

test("an instance gets no more memory than its limit", async () => {
  const instance = await newXGrammarInstance();
  const before = instance.memory.buffer.byteLength;
  const texts = Array.from({ length: 200 }, () => "x".repeat(1 << 20));
  expect(() => instance.binding.vecStringFromJSArray(texts)).toThrow();
  expect(instance.outOfMemory).toBe(true);
  expect(instance.memory.buffer.byteLength - before).toBeLessThanOrEqual(MEMORY_LIMIT);
});

test("work is ended when its time is over, and may be nested", () => {
  expect(() =>
    runWithin(20, () => {
      for (;;);
    }),
  ).toThrow(TimeLimitError);
  expect(runWithin(1000, () => runWithin(1000, () => 3) + 1)).toBe(4);
  expect(runWithin(1000.25, () => 5)).toBe(5);
  expect(() =>
    runWithin(1000, () => {
      throw new TypeError("own");
    }),
  ).toThrow(TypeError);
});
