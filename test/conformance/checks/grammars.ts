import { expect, test } from "vitest";
import type { GrammarSpec, SingleOptions } from "../../../src/index.js";
import { model, prompts, TARGET } from "../../support/models.js";
import { plainResult } from "../../support/plain.js";
import { some, tier } from "../../support/tier.js";
import type { Subject } from "../suite.js";

const schema = {
  type: "object",
  properties: { name: { type: "string", maxLength: 12 }, age: { type: "integer" }, tame: { type: "boolean" } },
  required: ["name", "age", "tame"],
};
export const GRAMMARS: Record<string, GrammarSpec> = {
  schema: { jsonSchema: schema },
  words: { ebnf: 'root ::= ("the " | "a ") ("fox" | "crow" | "cat") " " [a-z]{3,9} "."' },
};
const SAMPLINGS: Record<string, SingleOptions> = { greedy: {}, sampled: { temperature: 1, seed: 5 } };

/** Texts that a grammar constrains are plain decoding's, and the grammar's. */
export function grammars({ options: way, turn }: Subject): void {
  test.each(Object.keys(GRAMMARS))("the constrained text of plain decoding: %s", async (grammar) => {
    const target = await model(TARGET, "q8");
    // In the fast tier one is greedy with the schema and sampled with the words, the next vice versa.
    const place = turn + Object.keys(GRAMMARS).indexOf(grammar);
    for (const [sampling, options] of Object.entries(SAMPLINGS).filter((_, i) => tier(true, i === place % 2))) {
      for (const { prompt } of some(
        prompts().filter((_, i) => i % 13 === 3),
        1,
      )) {
        const all = { ...options, grammar: GRAMMARS[grammar], maxNewTokens: tier(60, 32), logitBias: { 0: 2 } };
        const plain = await plainResult("q8", prompt, all);
        const fast = await target.generate(prompt, { ...all, ...(await way("q8")) });
        expect(fast.tokenIds, sampling).toEqual(plain.tokenIds);
        if (plain.finishReason !== "eos") continue;
        if (grammar === "words") expect(plain.text).toMatch(/^(the|a) (fox|crow|cat) [a-z]{3,9}\.$/);
        else expect(Object.keys(JSON.parse(plain.text))).toEqual(["name", "age", "tame"]);
      }
    }
  });
}
