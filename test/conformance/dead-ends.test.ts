import { expect, test } from "vitest";
import { AutoModelForCausalLM } from "../../src/index.js";
import { DRAFT, model, TARGET } from "../support/models.js";
import { withDraft } from "../support/ways.js";

test("where the target itself may say nothing, one line tells why, greedy and sampled", async () => {
  const target = await model(TARGET, "q8");
  const grammar = { ebnf: 'root ::= "the"' };
  for (const sampling of [{}, { temperature: 1, seed: 0 }]) {
    const options = { ...sampling, grammar, minNewTokens: 20, maxNewTokens: 30 };
    await expect(target.generate("x", options)).rejects.toThrow("every token is forbidden: relax grammar");
  }
});

test("a prompt far longer than the draft's context", async () => {
  const target = await model(TARGET, "q8");
  const prompt = Array.from({ length: 500 }, (_, i) => 300 + ((i * 97) % 3700));
  const plain = await target.generate(prompt, { maxNewTokens: 12, speculation: { method: "none" } });
  const short = await AutoModelForCausalLM.fromPretrained(DRAFT, { contextLength: 64 });
  const ways = [
    withDraft("draft", { numSpeculativeTokens: 6 }),
    withDraft("draft", { treeWidths: [3, 2, 1] }),
    withDraft("merged", { drafters: ["draft", "lookahead"], mergedNodes: 10 }),
  ];
  for (const [i, way] of ways.entries()) {
    const options = await way.options("q8");
    const fast = await target.generate(prompt, {
      maxNewTokens: 12,
      ...options,
      assistantModel: short,
      speculation: { method: "draft" },
    });
    expect(fast.tokenIds, `way ${i}`).toEqual(plain.tokenIds);
    expect(fast.stats.byDrafter.draft).toBeUndefined();
  }
  await short.dispose();
});

test("a bad grammar leaves those of other tokenizers as they were", async () => {
  const [target, other] = [await model(TARGET, "q8"), await model(TARGET, "fp32")];
  const options = { grammar: "json" as const, maxNewTokens: 4 };
  const before = await other.generate("x", options);
  await expect(target.generate("x", { grammar: { ebnf: "root ::= (" } })).rejects.toThrow(
    /^the grammar cannot be used: EBNF/,
  );
  expect((await other.generate("x", options)).tokenIds).toEqual(before.tokenIds);
});

test("finished outputs of a batch give their caches back while others wait", async () => {
  const target = await model(TARGET, "q8");
  const assistantModel = await model(DRAFT, "q8");
  const prompts = Array.from({ length: 24 }, (_, i) => [300 + i, 400 + i, 500 + i]);
  let [live, most] = [0, 0];
  const newSequence = target.model.newSequence.bind(target.model);
  target.model.newSequence = () => {
    const sequence = newSequence();
    const dispose = sequence.dispose.bind(sequence);
    most = Math.max(most, ++live);
    sequence.dispose = () => {
      live--;
      sequence.dispose = () => {};
      dispose();
    };
    return sequence;
  };
  const results = await target.generate(prompts, { maxNewTokens: 6, assistantModel, speculation: { method: "draft" } });
  target.model.newSequence = newSequence;
  expect(results.length).toBe(24);
  expect([most, live]).toEqual([Math.min(prompts.length, target.model.maxSequences), 0]);
});
