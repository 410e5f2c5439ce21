import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { METHOD_FLAGS } from "../../../src/cli/method-flags.js";
import { type GenerateOptions, METHOD_OPTIONS, type MethodOptionName, methods } from "../../../src/index.js";
import { DRAFT, model, TARGET } from "../../support/models.js";

const names = Object.keys(METHOD_OPTIONS) as MethodOptionName[];

test("every option is some method's, and every method's option is declared", () => {
  const listed = new Set(methods.all.flatMap(({ options }) => options));
  expect([...listed].sort()).toEqual([...names].sort());
});

test.each(names)("what is declared as the default of %s is a right value", (name) => {
  const { fallback, kind } = METHOD_OPTIONS[name];
  if (fallback !== undefined) expect(kind.accepts(fallback)).toBe(true);
});

test("every option but those of parts has a flag", () => {
  expect(names.filter((name) => METHOD_FLAGS.flagOf(name) === undefined)).toEqual(["partOptions"]);
  expect(Object.keys(METHOD_FLAGS.flags)).toHaveLength(names.length - 1);
});

test.each(methods.all.map(({ name, options }) => [name, options] as const))(
  "the page of %s has a row for each option, with its flag, default and range",
  (name, options) => {
    const lines = readFileSync(`docs/methods/${name}.md`, "utf8").split("\n");
    for (const option of options as readonly MethodOptionName[]) {
      const row = lines.find((line) => line.startsWith("| `") && line.split("|")[1].includes(`\`${option}\``)) ?? "";
      expect(row, option).not.toBe("");
      const { fallback, kind } = METHOD_OPTIONS[option];
      if (option !== "partOptions") expect(row).toContain(`--${METHOD_FLAGS.flagOf(option)}`);
      if (typeof fallback === "number" || typeof fallback === "string") expect(row).toContain(String(fallback));
      if (kind.type === "integer" && kind.max! < 1e6) expect(row).toContain(`${kind.min} to ${kind.max}`);
    }
  },
);

/** The compiler is what tests here: `npm run typecheck` reads this file. */
const typos: GenerateOptions[] = [
  // @ts-expect-error: no such option
  { speculation: { method: "ngram", maxNgrams: 3 } },
  // @ts-expect-error: no such choice
  { speculation: { method: "ngram", match: "oldest" } },
  // @ts-expect-error: a number
  { speculation: { method: "draft", numSpeculativeTokens: "4" } },
  // @ts-expect-error: no such option of a part
  { speculation: { method: "merged", partOptions: { ngram: { maxNgrams: 3 } } } },
  { speculation: { method: "echo", ownOptions: { length: 4 } } },
];

test("typos are compile errors", () => {
  expect(typos).toHaveLength(5);
});

describe("options of the parts of a merged tree", () => {
  const drafted = async (partOptions: NonNullable<GenerateOptions["speculation"]>["partOptions"]) => {
    const target = await model(TARGET, "q8");
    const { stats, tokenIds } = await target.generate("Once upon a time there was a little girl. Once upon a time", {
      maxNewTokens: 32,
      assistantModel: await model(DRAFT, "q8"),
      speculation: { method: "merged", drafters: ["draft", "ngram"], mergedNodes: 24, partOptions },
    });
    return { tokenIds, longest: stats.acceptanceByPosition.length };
  };

  test("reach them", async () => {
    const [two, seven] = [
      await drafted({ draft: { numSpeculativeTokens: 2 }, ngram: { numSpeculativeTokens: 1 } }),
      await drafted({ draft: { numSpeculativeTokens: 7 } }),
    ];
    expect(two.longest).toBe(2);
    expect(seven.longest).toBe(7);
    expect(two.tokenIds).toEqual(seven.tokenIds);
  });

  test.each([
    [{ draft: { maxNgram: 2 } }, 'method "draft" has no option "maxNgram"'],
    [{ ngram: { maxNgram: 0 } }, "maxNgram must be an integer from 1 to 32, got 0"],
    [{ suffix: {} }, 'partOptions names "suffix", which is no part, expected: draft, ngram'],
    [{ ngram: 5 }, "options of partOptions.ngram must be an object"],
    [5, "partOptions must be an object of options by the method's name"],
  ])("are checked: %j", async (partOptions, says) => {
    await expect(drafted(partOptions as never)).rejects.toThrow(says);
  });
});
