import { beforeAll, describe, expect, test } from "vitest";
import { Scheduler } from "../../src/generation/scheduler.js";
import type { Drafter, GrammarSpec, LanguageModel } from "../../src/index.js";
import { compileGrammar, type TokenConstraint } from "../../src/sampling/grammar.js";
import { DRAFT, model, prompts, TARGET } from "../support/models.js";
import { newRun, outcomes } from "../support/runs.js";

let target: LanguageModel;
let draft: LanguageModel;
let texts: number[][];

beforeAll(async () => {
  target = await model(TARGET, "q8");
  draft = await model(DRAFT, "q8");
  texts = prompts()
    .slice(0, 4)
    .map(({ prompt }) => target.tokenizer!.encode(prompt));
});

describe("a batch in which one output's grammar faults", () => {
  const grammar: GrammarSpec = { ebnf: "root ::= [A-Za-z ,.]+" };

  /** The real constraint, until it is asked once too often. */
  function faulty(inner: TokenConstraint, calls: number): TokenConstraint {
    let left = calls;
    return {
      apply: (...given) => {
        if (left-- === 0) throw new Error("memory access out of bounds");
        inner.apply(...given);
      },
      dispose: () => inner.dispose(),
    };
  }

  test.each([
    ["at once", 0, {}],
    ["in the fourth row", 3, {}],
    ["in a row of a tree", 9, { temperature: 0.8, seed: 3 }],
  ])("%s: leaves the others alone, also one of the same grammar", async (_, calls, sampling) => {
    const { eosTokenIds } = target.config;
    const compiled = await compileGrammar(grammar, target.tokenizer!, eosTokenIds);
    const common = { ...sampling, maxNewTokens: 20, assistantModel: draft, speculation: { method: "draft" } };
    const options = { ...common, grammar };
    const same = (drafter: Drafter) => drafter;
    const runs = [
      newRun(target, texts[0], options, same, faulty(await compiled.newConstraint(), calls)),
      newRun(target, texts[1], options, same, await compiled.newConstraint()),
      newRun(target, texts[2], common),
      newRun(target, texts[3], { ...common, speculation: { method: "ngram" } }),
    ];
    const scheduler = new Scheduler(target.model);
    for (const run of runs) scheduler.add(run);
    const results = await outcomes(scheduler);
    scheduler.dispose();
    for (const run of runs) run.dispose();
    compiled.dispose();
    const plain = { ...sampling, maxNewTokens: 20, speculation: { method: "none" } };
    const alone = async (text: number, more: object = {}) =>
      (await target.generate(texts[text], { ...plain, ...more })).tokenIds;
    const { error, finish, tokenIds } = results.get(runs[0])!;
    expect([(error as Error).message, finish]).toEqual([
      expect.stringContaining("memory access out of bounds"),
      undefined,
    ]);
    expect(tokenIds).toEqual((await alone(0, { grammar })).slice(0, tokenIds.length));
    expect(results.get(runs[1])!.tokenIds).toEqual(await alone(1, { grammar }));
    expect(results.get(runs[2])!.tokenIds).toEqual(await alone(2));
    expect(results.get(runs[3])!.tokenIds).toEqual(await alone(3));
  });
});
