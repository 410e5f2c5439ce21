import { expect, test } from "vitest";
import type { GrammarSpec, SingleOptions } from "../../src/index.js";
import { model, TARGET } from "../support/models.js";
import { withDraft, withForeignDraft } from "../support/ways.js";
import { GRAMMARS } from "./checks/grammars.js";

const SAMPLINGS: SingleOptions[] = [{}, { temperature: 1, seed: 5 }];

test("outputs end where the grammar is complete, several together, and keep to it when cut", async () => {
  const target = await model(TARGET, "q8");
  const assistant = await withDraft("draft", { treeWidths: [3, 2, 1] }).options("q8");
  const options = { grammar: GRAMMARS.words, temperature: 1, seed: 0, numReturnSequences: 5, ...assistant };
  const results = await target.generate("The story:", options);
  expect(results.map(({ finishReason }) => finishReason)).toEqual(new Array(5).fill("eos"));
  const any = await target.generate("The story:", { grammar: "json", maxNewTokens: 4, ...assistant });
  expect(any.text.trimStart()).toMatch(/^["{[\-0-9tfn]/);
});

const foreign = withForeignDraft("universal", { alignment: "shared" });

test("where only tokens are possible that the draft does not have, nothing is drafted", async () => {
  const target = await model(TARGET, "q8");
  const way = await foreign.options("q8");
  // The foreign draft has 2600 of the 4096 tokens.
  const badWordsIds = Array.from({ length: 4000 }, (_, id) => [id]);
  for (const sampling of SAMPLINGS) {
    const options = { ...sampling, badWordsIds, maxNewTokens: 6 };
    const plain = await target.generate("The story:", { ...options, speculation: { method: "none" } });
    const fast = await target.generate("The story:", { ...options, ...way });
    expect(fast.tokenIds).toEqual(plain.tokenIds);
    expect(fast.stats.draftedTokens).toBe(0);
  }
});

test("grammars that cannot be used are explained in one line, and the next one works", async () => {
  const target = await model(TARGET, "q8");
  const bad: [unknown, string][] = [
    [{ ebnf: "root ::= (" }, "the grammar cannot be used: "],
    [{ jsonSchema: { type: "colour" } }, "the JSON schema cannot be used: at #, "],
    ["xml", 'grammar must be "json", { jsonSchema: {...} } or { ebnf: "root ::= ..." }'],
    [{ jsonSchema: 3 }, "grammar must be"],
  ];
  for (const [grammar, message] of bad) {
    const error = await target.generate("x", { grammar: grammar as GrammarSpec }).catch((e: Error) => e);
    expect(error).toMatchObject({ name: "UsageError" });
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain("\n");
    const good = await target.generate("x", { grammar: GRAMMARS.words, maxNewTokens: 3 });
    expect(good.text).toMatch(/^(the|a|t|th)/);
  }
  await expect(target.generate("x", { grammar: "json", ignoreEos: true })).rejects.toThrow("leave out ignoreEos");
});

const PERSON = "Person: ";
/** Compiles at once and is followed ever more slowly. */
const SLOW = {
  ebnf: 'root ::= "z" | y y y y y y y y\ny ::= x x x x x x x x\nx ::= z z z z z z z z\nz ::= [a-z ] | ""',
};

test("a grammar that fails, before an output or within it, ends that output and no other", async () => {
  const target = await model(TARGET, "q8");
  const options = { grammar: GRAMMARS.schema, temperature: 0.9, seed: 3, maxNewTokens: 60 };
  const alone = (await target.generate(PERSON, options)).tokenIds;
  const deep = `${"(".repeat(200)}"a" nope${")".repeat(200)}`;
  for (const grammar of [{ ebnf: "root ::= (" }, { ebnf: `root ::= ${deep}` }, { jsonSchema: { not: {} } }, SLOW]) {
    const hostile = target.stream("x", { grammar, maxNewTokens: 60 })[Symbol.asyncIterator]();
    let error: Error | undefined;
    const tokens: number[] = [];
    for await (const event of target.stream(PERSON, options)) {
      if (event.type === "token") tokens.push(event.tokenId);
      if (!error) await hostile.next().catch((e) => (error = e));
    }
    expect(tokens).toEqual(alone);
    expect(error).toMatchObject({ name: "UsageError" });
    if (grammar === SLOW) expect(error?.message).toContain("it takes too long");
    // The same model, the same grammar.
    expect((await target.generate(PERSON, options)).tokenIds).toEqual(alone);
  }
});

test("outputs that run at once with one grammar or several are those of each alone", async () => {
  const target = await model(TARGET, "q8");
  const texts = ["one", "two", "three", "four", "five", "six"];
  const all: SingleOptions[] = texts.flatMap((text) => [
    { grammar: { ebnf: `root ::= "${text}" [a-z]{3,9} "."` }, maxNewTokens: 12 },
    { grammar: GRAMMARS.words, maxNewTokens: 12 },
  ]);
  const together = await Promise.all(all.map((options) => target.generate("The story:", options)));
  for (const [i, options] of all.entries()) {
    expect((await target.generate("The story:", options)).tokenIds).toEqual(together[i].tokenIds);
  }
});
