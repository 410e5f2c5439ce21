import { describe, expect, test } from "vitest";
import { selectDraftModel } from "../../../src/index.js";

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
