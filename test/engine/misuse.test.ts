import { renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CausalLM } from "../../src/engine/causal-lm.js";
import type { ContiguousCache } from "../../src/engine/contiguous-cache.js";
import {
  AutoModelForCausalLM,
  AutoTokenizer,
  loadMedusaHeads,
  Need,
  RuntimeError,
  UsageError,
} from "../../src/index.js";
import { freshResult } from "../support/fuzz/tracked.js";
import { DRAFT, model, temporaryFolder } from "../support/models.js";

const IDS = [5, 9, 200, 31];
const WIDE = {
  tokens: new Array(250).fill(5),
  parents: [-1, ...new Array(249).fill(0)],
  needs: new Array(250).fill(0),
};

describe("a model under misuse", () => {
  test("a tree pass that fails while it is prepared leaves no mask behind", async () => {
    // ONNX Runtime's own attention has masks.
    const { model: loaded } = await model(DRAFT, "q8");
    const lm = await CausalLM.load({ ...loaded.options, attention: "GroupQueryAttention" });
    const before = await freshResult(lm, IDS);
    const [sequence, broken, other] = [lm.newSequence(), lm.newSequence(), lm.newSequence()];
    for (const each of [sequence, broken, other]) await lm.prefill(each, IDS);
    for (const k of [Number.NaN, 2.5, 0, 5000]) {
      const refused = lm.forward([{ sequence, ...WIDE, needs: WIDE.needs.map(() => Need.top) }], () => 0, { k });
      await expect(refused).rejects.toThrow(/^k must be an integer from 1 to the vocabulary's 4096, got /);
    }
    const both = () =>
      lm.forward(
        [sequence, other].map((each) => ({ sequence: each, tokens: [1, 2, 3], needs: [0, 0, Need.logits] })),
        (rows) => [0, 1].map((s) => [...rows.logits(2, s)]),
      );
    const chains = await both();
    sequence.rollback();
    other.rollback();
    // No input is wrong here: the runtime fails at the second sequence, when the first one's mask is written.
    (broken.cache as ContiguousCache).tensors[2].dispose();
    const failed = lm.forward(
      [sequence, broken].map((each) => ({ sequence: each, ...WIDE })),
      () => 0,
    );
    await expect(failed).rejects.toThrow(/tensor was disposed/);
    expect([sequence.pending, broken.pending]).toEqual([0, 0]);
    expect(await both()).toEqual(chains);
    expect((await freshResult(lm, IDS)).equals(before)).toBe(true);
    await lm.dispose();
  });

  test("a sequence in a pass refuses changes until the pass is over", async () => {
    const { model: lm } = await model(DRAFT, "q8");
    const before = await freshResult(lm, IDS);
    const sequence = lm.newSequence();
    await lm.prefill(sequence, IDS);
    const running = lm.forward([{ sequence, ...WIDE }], () => 1);
    for (const change of ["commit", "rollback", "fork", "dispose"] as const) {
      expect(() => sequence[change]([] as never), change).toThrow(/the sequence is in a pass: await it before/);
    }
    await expect(lm.forward([{ sequence, ...WIDE }], () => 1)).rejects.toThrow(/in a pass/);
    await expect(lm.prefill(sequence, IDS)).rejects.toThrow(/in a pass/);
    expect(await running).toBe(1);
    sequence.commit([0, 7]);
    expect(sequence.length).toBe(IDS.length + 2);
    sequence.dispose();
    expect((await freshResult(lm, IDS)).equals(before)).toBe(true);
  });

  test("a prefill that fails or is aborted commits nothing, and holds the sequence between its chunks", async () => {
    const { model: lm } = await model(DRAFT, "q8");
    using sequence = lm.newSequence();
    await lm.prefill(sequence, IDS);
    const tokens = new Array(60).fill(7);
    const controller = new AbortController();
    const onProgress = (done: number) => {
      if (done >= 20) controller.abort();
      expect(() => sequence.rollback(0)).toThrow(/in a pass/);
    };
    const options = { chunk: 10, signal: controller.signal, onProgress };
    await expect(lm.prefill(sequence, tokens, options)).rejects.toThrow(/abort/);
    await expect(lm.prefill(sequence, [...tokens, 4096])).rejects.toThrow(/4096 is outside/);
    for (const chunk of [0, -1, 0.5, Number.NaN]) {
      await expect(lm.prefill(sequence, tokens, { chunk })).rejects.toThrow(/chunk must be/);
    }
    await expect(lm.prefill(sequence, new Array(2000).fill(7))).rejects.toThrow(/its cache holds 1280/);
    expect([sequence.length, sequence.pending]).toEqual([IDS.length, 0]);
    await lm.forward([{ sequence, tokens: [1], needs: [0] }], () => 0);
    await expect(lm.prefill(sequence, tokens)).rejects.toThrow(/1 pending rows/);
  });

  test("a pass inside a reader is an error, not a deadlock", async () => {
    const { model: lm } = await model(DRAFT, "q8");
    using sequence = lm.newSequence();
    using other = lm.newSequence();
    const inner = async () => lm.forward([{ sequence: other, tokens: [1], needs: [0] }], () => 0);
    const outer = lm.forward([{ sequence, tokens: [1], needs: [0] }], inner);
    await expect(outer).rejects.toThrow(/reader of a pass returned a promise/);
    await expect(outer).rejects.toBeInstanceOf(UsageError);
    expect(sequence.pending).toBe(0);
    expect(await lm.forward([{ sequence, tokens: [1], needs: [0] }], () => 2)).toBe(2);
  });

  test("rows of a wrong sequence, or that do not fit together, are refused", async () => {
    const { model: lm } = await model(DRAFT, "q8");
    const stranger = await AutoModelForCausalLM.fromPretrained(DRAFT);
    using sequence = lm.newSequence();
    using foreign = stranger.model.newSequence();
    const rows = { sequence, tokens: [1, 2], needs: [0, 0] };
    const pass = (...requests: object[]) => lm.forward(requests as never, () => 0);
    await expect(pass({ ...rows, sequence: foreign })).rejects.toThrow(/request 0 belongs to another model/);
    await expect(pass(rows, rows)).rejects.toThrow(/requests 0 and 1 of a pass are for the same sequence/);
    await expect(pass({ ...rows, parents: [-1] })).rejects.toThrow(/2 rows came with 1 parents/);
    await expect(pass({ ...rows, parents: [-1, 0, 1] })).rejects.toThrow(/2 rows came with 3 parents/);
    await expect(pass({ ...rows, needs: [0, 32] })).rejects.toThrow(/row 1 has the needs 32/);
    await expect(pass({ ...rows, sequence: {} })).rejects.toThrow(/request 0 of a pass has no sequence/);
    await expect(pass()).rejects.toThrow(/at most \d+ sequences, at least one, got 0/);
    foreign.dispose();
    await stranger.dispose();
  });

  test("after dispose nothing begins any more", async () => {
    const lm = await AutoModelForCausalLM.fromPretrained(DRAFT);
    const sequence = lm.model.newSequence();
    await lm.dispose();
    await expect(lm.model.withoutLayers([1])).rejects.toThrow(/model was disposed/);
    await expect(lm.model.openWithoutLayers([1])).rejects.toThrow(/model was disposed/);
    expect(() => sequence.fork()).toThrow(/model was disposed/);
    sequence.dispose();
  });

  test("the cache folder removed meanwhile is an error that says so, and passes when the files are back", async () => {
    const before = process.env.FORETOKEN_CACHE;
    process.env.FORETOKEN_CACHE = temporaryFolder();
    const models = join(process.env.FORETOKEN_CACHE, "models");
    try {
      await using lm = await AutoModelForCausalLM.fromPretrained(DRAFT);
      const prompts = [IDS, [8, 7, 6]];
      renameSync(models, `${models}-away`);
      const alone = await lm.generate(IDS, { maxNewTokens: 4, speculation: { method: "none" } });
      const error = await lm.model.withoutLayers([1]).catch((e) => e);
      expect(error).toBeInstanceOf(RuntimeError);
      expect(error.message).toMatch(/was removed while it was in use: load the checkpoint again/);
      await (await AutoModelForCausalLM.fromPretrained(DRAFT)).dispose();
      expect((await lm.generate(prompts, { maxNewTokens: 4 }))[0].tokenIds).toEqual(alone.tokenIds);
      await lm.model.withoutLayers([1]);
    } finally {
      process.env.FORETOKEN_CACHE = before;
    }
  });
});

// As JavaScript callers may, past the types.
const anything = (value: unknown) => value as never;

test.each<[name: string, call: (lm: CausalLM) => unknown]>([
  ["prefill without tokens", (lm) => lm.prefill(lm.newSequence(), anything(undefined))],
  ["prefill of a number", (lm) => lm.prefill(lm.newSequence(), anything(5))],
  ["forward without a reader", (lm) => lm.forward([], anything(undefined))],
  ["commit without a list", (lm) => lm.newSequence().commit(anything(undefined))],
  ["layers that are no list", (lm) => lm.withoutLayers(anything("1"))],
  ["heads without a path", () => loadMedusaHeads(anything(undefined), anything(undefined))],
  ["a tokenizer without a path", () => AutoTokenizer.fromPretrained(anything(undefined))],
  ["a text that is none", async () => (await AutoTokenizer.fromPretrained(DRAFT)).encode(anything(null))],
  ["ids that are no list", async () => (await AutoTokenizer.fromPretrained(DRAFT)).decode(anything("x"))],
])("%s is a usage error of one line", async (_, call) => {
  const { model: lm } = await model(DRAFT, "q8");
  const error = await Promise.resolve()
    .then(() => call(lm))
    .catch((e: Error) => e);
  expect(error).toBeInstanceOf(UsageError);
  expect((error as Error).message).toMatch(/^[^\n]{10,120}$/);
});

test("null options are none", async () => {
  const { model: lm } = await model(DRAFT, "q8");
  const sequence = lm.newSequence();
  await lm.prefill(sequence, IDS, anything(null));
  const row = { sequence, tokens: [1], needs: [Need.top] };
  expect(await lm.forward([row], (rows) => rows.argmax(0), anything(null))).toBeTypeOf("number");
  sequence.dispose();
});
