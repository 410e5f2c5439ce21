import { afterAll, beforeAll, expect, test } from "vitest";
import { AutoModelForCausalLM, type LanguageModel } from "../../src/index.js";
import { EngineCalls } from "../support/fuzz/engine-calls.js";
import { GenerationCalls } from "../support/fuzz/generation-calls.js";
import { freshResult } from "../support/fuzz/tracked.js";
import { DRAFT, model } from "../support/models.js";
import { Random } from "../support/random.js";
import { tier } from "../support/tier.js";

/**
 * Random calls, right and wrong, with faults and aborts in between: none may leave anything behind that a later result
 * shows. FORETOKEN_FULL=1 makes ten thousand of them.
 */
const CALLS = tier(10_000, 300);
/** Calls between two looks at a fresh result. */
const EVERY = 20;
const PROBE = Array.from({ length: 40 }, (_, i) => 5 + i * 7);

let target: LanguageModel;
let draft: LanguageModel;

beforeAll(async () => {
  target = await AutoModelForCausalLM.fromPretrained(DRAFT);
  draft = await model(DRAFT, "q8");
});

afterAll(() => target?.dispose());

test.each([1, 2])(
  "after random calls a fresh result is exact (seed %i)",
  async (seed) => {
    const random = new Random(seed);
    const expected = await freshResult(draft.model, PROBE);
    const engine = new EngineCalls(target.model, draft.model, random);
    const generation = new GenerationCalls(target, draft, random);
    const made: string[] = [];
    for (let call = 0; call < CALLS / 2; call++) {
      const from = random.chance(0.85) ? engine : generation;
      const at = random.int(0, from.calls.length - 1);
      made.push(`${from === engine ? "engine" : "generation"} ${at}`);
      await from.calls[at]().catch((error) => {
        throw new Error(`call ${call}, after ${made.slice(-EVERY).join(", ")}: ${error.message}`, { cause: error });
      });
      if (call % EVERY !== EVERY - 1) continue;
      const exact = (await freshResult(target.model, PROBE)).equals(expected);
      expect(exact, `the result after call ${call}: ${made.slice(-EVERY).join(", ")}`).toBe(true);
    }
    engine.dispose();
  },
  600_000,
);
