import { expect, test } from "vitest";
import { model, TARGET } from "../../support/models.js";
import { some, tier } from "../../support/tier.js";
import type { Subject } from "../suite.js";

const PROMPT = "Once upon a time there was a little girl named Lily. She";
/** A draft that says the first has ended the text, and the end is forbidden for a while; the target may have meant the second. */
const PAIRS = [
  [" was", " had"],
  [" liked", " wanted"],
  [" and", " but"],
  [".", " with"],
];

/** Places where a drafter has nothing to say, and the output must go on as if it had not been asked. */
export function deadEnds({ options: way }: Subject): void {
  test("paths on which every token is forbidden end the drafting, not the output", async () => {
    const target = await model(TARGET, "q8");
    let whole = 0;
    for (const [first, second] of some([...PAIRS, ...PAIRS.map(([a, b]) => [b, a])], 4)) {
      const grammar = { ebnf: `root ::= "${first}" | "${second}" [a-z ]*` };
      for (let seed = 0; seed < tier(6, 2); seed++) {
        const options = { grammar, minNewTokens: 8, temperature: 1, seed, maxNewTokens: 12 };
        const plain = await target
          .generate(PROMPT, { ...options, speculation: { method: "none" } })
          .catch(() => undefined);
        if (!plain) continue;
        const fast = await target.generate(PROMPT, { ...options, ...(await way("q8")) });
        expect(fast.tokenIds, `${first}, ${second}, ${seed}`).toEqual(plain.tokenIds);
        whole++;
      }
    }
    expect(whole).toBeGreaterThan(tier(5, 1));
  });
}
