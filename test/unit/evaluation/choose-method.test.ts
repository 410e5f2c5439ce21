import { describe, expect, test } from "vitest";
import { chooseMethod, methods, type Situation } from "../../../src/index.js";

describe("chooseMethod", () => {
  test.each<[Situation, string]>([
    [{}, "merged"],
    [{ draft: true }, "merged"],
    [{ draft: true, draftRatio: 2 }, "merged"],
    [{ foreignDraft: true, draftRatio: 8 }, "universal"],
    [{ heads: true }, "medusa"],
    [{ heads: true, repetitive: true }, "merged"],
    [{ eagle: true, heads: true }, "eagle"],
    [{ eagle: true, repetitive: true }, "merged"],
    [{ repetitive: true }, "suffix"],
    [{ costOfEightRows: 1.1 }, "lookahead"],
    [{ costOfEightRows: 1.4 }, "merged"],
    [{ draft: true, costOfEightRows: 5 }, "none"],
    [{ draft: true, batchSize: 32 }, "none"],
  ])("%j: %s", (situation, method) => {
    const choice = chooseMethod(situation);
    expect(choice.method).toBe(method);
    expect(choice.reason.length).toBeGreaterThan(20);
    const known = methods.all.find(({ name }) => name === method)!;
    for (const option of Object.keys(choice.options)) expect(known.options).toContain(option);
  });
});
