import { beforeAll, describe, expect, test } from "vitest";
import {
  AutoModelForCausalLM,
  type GenerationEvent,
  type GenerationResult,
  type LanguageModel,
  methods,
  type SingleOptions,
  type TraceStep,
} from "../../../src/index.js";
import { model, prompts, TARGET } from "../../support/models.js";
import { some, tier } from "../../support/tier.js";
import type { Subject } from "../suite.js";

const SAMPLINGS: Record<string, SingleOptions> = { greedy: {}, sampled: { temperature: 0.7, seed: 21 } };
const PROMPT = prompts()[4].prompt;
const LENGTH = tier(40, 24);

/** Against plain decoding, where outputs end and begin. */
export function edgeCases(subject: Subject): void {
  const samplings = Object.keys(SAMPLINGS).filter((_, i) => tier(true, i === subject.turn % 2));
  describe.each(samplings)("%s", (sampling) => endsAndBeginnings(subject, sampling));
}

function endsAndBeginnings({ method, options: way }: Subject, sampling: string): void {
  let target: LanguageModel;
  let options: SingleOptions;
  let sampled: SingleOptions;
  let plain: GenerationResult;

  beforeAll(async () => {
    target = await model(TARGET, "q8");
    sampled = { ...SAMPLINGS[sampling], maxNewTokens: LENGTH };
    options = { ...sampled, ...(await way("q8")) };
    plain = await target.generate(PROMPT, { ...sampled, logProbs: 3, speculation: { method: "none" } });
  });

  test("a stop token anywhere in the output ends it there", async () => {
    for (const id of some([...new Set(plain.tokenIds)], 4)) {
      const out = await target.generate(PROMPT, { ...options, stopTokenIds: [id] });
      expect(out.tokenIds).toEqual(plain.tokenIds.slice(0, plain.tokenIds.indexOf(id) + 1));
      expect(out.finishReason).toBe("eos");
    }
  });

  test("a stop string anywhere in the output ends it, whole before and nothing after", async () => {
    for (let at = 0; at + 6 < plain.text.length; at += tier(5, 29)) {
      const stop = plain.text.slice(at, at + 1 + (at % 6));
      const events = await all(target.stream(PROMPT, { ...options, stopStrings: [stop, "never said"] }));
      const text = events.map((event) => event.text).join("");
      expect(text).toBe(plain.text.slice(0, plain.text.indexOf(stop)));
      expect(events[events.length - 1]).toMatchObject({ type: "finish", finishReason: "stop" });
      const ids = events.flatMap((event) => (event.type === "token" ? [event.tokenId] : []));
      expect(ids).toEqual(plain.tokenIds.slice(0, ids.length));
      const before = target.tokenizer!.decode(ids.slice(0, -1), { skipSpecialTokens: true });
      expect(before.includes(stop), "no token after the one that completed the stop string").toBe(false);
    }
  });

  test("every limit of new tokens gives plain's beginning", async () => {
    for (const maxNewTokens of some([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 4)) {
      const out = await target.generate(PROMPT, { ...options, maxNewTokens });
      expect(out.tokenIds).toEqual(plain.tokenIds.slice(0, maxNewTokens));
      expect(out.finishReason).toBe("length");
      expect(out.stats.newTokens).toBe(maxNewTokens);
      if (maxNewTokens === 1) expect(out.stats).toMatchObject({ draftedTokens: 0, targetPasses: 1 });
    }
  });

  test("log-probabilities are plain's", async () => {
    const out = await target.generate(PROMPT, { ...options, logProbs: 3 });
    expect(out.tokenIds).toEqual(plain.tokenIds);
    expect(out.logProbs).toEqual(plain.logProbs);
    expect(out.logProbs?.length).toBe(LENGTH);
    expect(out.topLogProbs?.every((top) => top.length === 3 && top[0].logProb >= top[2].logProb)).toBe(true);
    expect(out.topLogProbs).toEqual(plain.topLogProbs);
  });

  test("tokens tell who proposed them, and the statistics add up", async () => {
    const trees: TraceStep["tree"][] = [];
    const trace = ({ tree }: TraceStep) => trees.push(tree);
    const { sources, stats, tokenIds } = await target.generate(PROMPT, { ...options, trace });
    const drafted = sources.filter((source) => source !== "target").length;
    const known = [...methods.all.map(({ name }) => name), "target"];
    expect(sources.filter((source) => !known.includes(source))).toEqual([]);
    if (method === "none" || sampling === "greedy") expect(drafted > 0).toBe(method !== "none");
    const sum = Object.values(stats.byDrafter).reduce((total, { accepted }) => total + accepted, 0);
    expect(sum).toBe(drafted);
    expect(stats).toMatchObject({ newTokens: tokenIds.length, acceptedTokens: drafted, lossless: true });
    expect(stats.meanTokensPerPass).toBeCloseTo(tokenIds.length / stats.targetPasses);
    expect(stats.draftMs + stats.targetMs + stats.overheadMs + stats.prefillMs).toBeCloseTo(stats.totalMs, 6);
    const chains = trees.every(({ parents }) => parents.every((parent, i) => parent === i - 1));
    if (chains)
      expect(stats.targetPasses, "one token of the target's own in each pass").toBe(tokenIds.length - drafted);
  });

  test("a full context ends the output with plain's tokens", async () => {
    const contextLength = target.tokenizer!.encode(PROMPT).length + 11;
    const small = await AutoModelForCausalLM.fromPretrained(TARGET, { contextLength });
    const out = await small.generate(PROMPT, options);
    expect(out.finishReason).toBe("context");
    expect(out.tokenIds).toEqual(plain.tokenIds.slice(0, 11));
    await small.dispose();
  });

  test("time runs out", async () => {
    const out = await target.generate(PROMPT, { ...options, maxTime: 0.02, maxNewTokens: 900, ignoreEos: true });
    expect(out.finishReason).toBe("time");
    expect(out.tokenIds.slice(0, LENGTH)).toEqual(plain.tokenIds.slice(0, out.tokenIds.length));
  });

  test("an abort ends the output with what there is, and the model goes on", async () => {
    for (const after of some([1, 2, 5, 12], 2)) {
      const controller = new AbortController();
      const events: GenerationEvent[] = [];
      for await (const event of target.stream(PROMPT, { ...options, signal: controller.signal })) {
        events.push(event);
        if (events.length === after) controller.abort();
      }
      const ids = events.flatMap((event) => (event.type === "token" ? [event.tokenId] : []));
      expect(ids).toEqual(plain.tokenIds.slice(0, ids.length));
      expect(ids.length).toBeLessThan(LENGTH);
      expect(events[events.length - 1]).toMatchObject({ type: "finish", finishReason: "aborted" });
    }
    const early = await target.generate(PROMPT, { ...options, signal: AbortSignal.abort() });
    expect(early).toMatchObject({ tokenIds: [], finishReason: "aborted" });
    expect((await target.generate(PROMPT, options)).tokenIds).toEqual(plain.tokenIds);
  });

  test("leaving a stream early frees its sequences", async () => {
    for (let i = 0; i < tier(30, 3); i++) {
      for await (const _ of target.stream(PROMPT, options)) break;
    }
    expect((await target.generate(PROMPT, options)).tokenIds).toEqual(plain.tokenIds);
  });

  test("a prompt of one token", async () => {
    const out = await target.generate([300], options);
    expect(out.tokenIds).toEqual((await target.generate([300], sampled)).tokenIds);
  });
}

async function all(events: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  const list: GenerationEvent[] = [];
  for await (const event of events) list.push(event);
  return list;
}
