import { describe, expect, test } from "vitest";
import { chooseMethod, methods, type Situation, selectDraftModel } from "../../../src/index.js";

const model = (name: string, tokenizer?: string) => ({ name, parameters: name, tokenizer });

describe("selectDraftModel", () => {
  test.each([
    ["70B", ["7B", "1B", "13B"], "13B"],
    ["70B", ["7B", "1B"], "7B"],
    ["33B", ["7B", "13B", "1B"], "7B"],
    ["13B", ["1B", "7B"], "1B"],
    ["135M", ["120M", "60M"], undefined],
    ["500M", ["135M"], "135M"],
  ])("%s of %j: %s", (target, candidates, expected) => {
    const { draft, reason } = selectDraftModel(
      model(target),
      candidates.map((name) => model(name)),
    );
    expect(draft?.name).toBe(expected);
    expect(reason.length).toBeGreaterThan(20);
  });

  test("prefers the target's tokenizer, and says when there is none with it", () => {
    const target = model("70B", "llama");
    expect(selectDraftModel(target, [model("8B", "qwen"), model("1B", "llama")]).draft?.name).toBe("1B");
    expect(selectDraftModel(target, [model("8B", "qwen")]).reason).toContain("its tokenizer is another");
  });

  test("a size that is none", () => {
    expect(() => selectDraftModel(model("huge"), [model("1B")])).toThrow(
      'huge: parameters must be a number, or text such as "7B"',
    );
  });
});

describe("chooseMethod", () => {
  test.each<[Situation, string]>([
    [{}, "merged"],
    [{ draft: true }, "merged"],
    [{ draft: true, draftRatio: 2 }, "merged"],
    [{ foreignDraft: true, draftRatio: 8 }, "universal"],
    [{ heads: true }, "medusa"],
    [{ heads: true, repetitive: true }, "merged"],
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
