import { expect, test } from "vitest";
import {
  AutoModelForCausalLM,
  chooseMethod,
  configureRuntime,
  fitMedusaHeads,
  type GenerateOptions,
  LookaheadDecoding,
  loadMedusaHeads,
  MedusaModel,
  Recording,
  type SingleOptions,
  UsageError,
} from "../../../src/index.js";
import { HEADS, medusaModel } from "../../support/medusa-model.js";
import { DRAFT, model, TARGET } from "../../support/models.js";

const target = await model(TARGET, "q8");

/** Options of `generate` in wrong shapes, and what is said. */
const wrong: [options: Record<string, unknown>, says: string][] = [
  [{ stopTokenIds: 5 }, "stopTokenIds must be a list of token ids, got 5"],
  [{ stopTokenIds: ["5"] }, 'stopTokenIds must be a list of token ids, got ["5"]'],
  [{ stopTokenIds: [4096] }, "stopTokenIds holds token id 4096, which is outside the vocabulary of 4096"],
  [{ stopStrings: [1] }, "stopStrings must be a text or a list of texts"],
  [{ stopStrings: /\./ }, "stopStrings must be a text or a list of texts, not patterns, got the regular expression"],
  [{ stopStrings: ["a", ""] }, "stopStrings holds an empty text"],
  [{ badWordsIds: [5] }, "badWordsIds must be a list of lists of token ids"],
  [{ badWordsIds: ["bad"] }, "badWordsIds must be a list of lists"],
  [{ badWordsIds: [[9999]] }, "badWordsIds holds token id 9999"],
  [{ badWordsIds: [[-1]] }, "badWordsIds must be"],
  [{ logitBias: { 999999: 100 } }, "logitBias holds token id 999999"],
  [{ logitBias: [1, 2] }, "logitBias must be a Map or an object"],
  [{ logitBias: { cat: 1 } }, 'logitBias maps "cat" to 1'],
  [{ logitBias: { "": 1 } }, 'logitBias maps "" to 1'],
  [{ logitBias: { 5: "1" } }, 'logitBias maps 5 to "1"'],
  [{ logitBias: { 5: Number.NaN } }, "logitBias maps 5 to NaN"],
  [{ topP: "0.9", temperature: 1 }, 'topP must be a number in (0, 1], got "0.9"'],
  [{ temperature: Number.NaN }, "temperature must be >= 0, got NaN"],
  [{ temperature: "hot" }, 'temperature must be a number >= 0, got "hot"'],
  [{ repetitionPenalty: 1e300 }, "repetitionPenalty must be > 0, from 1e-30 to 1e30, got 1e+300"],
  [{ doSample: 1 }, "doSample must be true or false, got 1"],
  [{ maxNewTokens: "5" }, "maxNewTokens must be a non-negative integer"],
  [{ maxTime: "1" }, "maxTime must be a number > 0 seconds"],
  [{ ignoreEos: 1 }, "ignoreEos must be true or false"],
  [{ skipSpecialTokens: "no" }, "skipSpecialTokens must be true or false"],
  [{ logProbs: true }, "logProbs must be an integer from 0 to 20, got true"],
  [{ seed: "7" }, "seed must be an integer"],
  [{ signal: new AbortController() }, "signal must be an AbortSignal"],
  [{ trace: {} }, "trace must be a function"],
  [{ grammar: { jsonschema: {} } }, "grammar must be"],
  [
    { assistantModel: DRAFT },
    'assistantModel must be a loaded model: await AutoModelForCausalLM.fromPretrained(...), got "',
  ],
  [{ assistantModel: Promise.resolve() }, "got a Promise"],
  [{ speculation: "ngram" }, '{ method: "ngram" } names a method'],
  [{ speculation: { method: 5 } }, "method must be text, got 5"],
  [{ speculation: { coupling: "maxmal" } }, 'Did you mean "maximal"?'],
  [{ speculation: { method: "ngram", max_ngram: 4 } }, 'Did you mean "maxNgram"?'],
  [{ speculation: { method: "ngram", maxNgram: "4" } }, "maxNgram must be an integer from 1 to 32"],
  [
    { speculation: { method: "layer-skip", confidenceThreshold: "0.4", policy: "confidence" } },
    "confidenceThreshold must",
  ],
  [{ speculation: { method: "merged", drafters: ["ngram", "suffix"], mergedNodes: 0 } }, "mergedNodes must be"],
  [{ numSpeculativeTokens: 4 }, "it belongs into speculation: { numSpeculativeTokens: ... }"],
  [{ dtype: "q8" }, "it is an option of fromPretrained"],
  [{ stop: ["\n"] }, 'unknown option "stop". Did you mean "stopStrings"?'],
  [{ max_tokens: 5 }, 'Did you mean "maxNewTokens"?'],
  [{ n: 5 }, 'Did you mean "numReturnSequences"?'],
  [{ logitsProcessor: {} }, "logitsProcessor must be a function or a list of functions, got"],
  [{ stoppingCriteria: [() => true, 5] }, "stoppingCriteria must be a function or a list"],
  [{ generationConfig: "vllm" }, "unknown generationConfig"],
];

test.each(wrong)("generate and stream refuse %j", async (options, says) => {
  await expect(target.generate("x", options as GenerateOptions)).rejects.toThrow(UsageError);
  await expect(target.generate("x", options as GenerateOptions)).rejects.toThrow(says);
  // At once, not when the first event is asked for.
  expect(() => target.stream("x", options as GenerateOptions)).toThrow(says);
});

test.each([[null], [undefined], [5], [{ input_ids: [1] }], [Promise.resolve("x")], [[1, "a"]], [[{ content: "x" }]]])(
  "no prompt: %j",
  async (input) => {
    await expect(target.generate(input as never)).rejects.toThrow("a prompt must be text, a list of token ids, or");
    expect(() => target.stream(input as never)).toThrow(UsageError);
    expect(() => target.stream(["x", input] as never)).toThrow(UsageError);
  },
);

test("ids of prompts, and prompts that do not fit, are refused at once", () => {
  expect(() => target.stream([Number.NaN])).toThrow("outside the vocabulary");
  expect(() => target.stream([])).toThrow("the prompt is empty");
  expect(() => target.stream(new Array(5000).fill(1))).toThrow("the context is");
});

test("null means not given", async () => {
  const nothing = Object.fromEntries(Object.keys({ ...ALL }).map((name) => [name, null])) as unknown as SingleOptions;
  const plain = await target.generate("One day", { maxNewTokens: 6, speculation: { method: "none" } });
  const same = await target.generate("One day", { ...nothing, maxNewTokens: 6 });
  expect(same.tokenIds).toEqual(plain.tokenIds);
  const speculation = { method: "ngram", maxNgram: null, coupling: null } as never;
  expect((await target.generate("One day", { maxNewTokens: 6, speculation })).stats.method).toBe("ngram");
  await expect(target.generate("One day", null as never)).resolves.toMatchObject({ finishReason: "length" });
  await AutoModelForCausalLM.fromPretrained(DRAFT, { dtype: null, contextLength: null } as never).then((m) =>
    m.dispose(),
  );
});

const ALL: Record<keyof GenerateOptions, true> = {
  ...({ doSample: true, temperature: true, topK: true, topP: true, minP: true, typicalP: true } as const),
  ...({ repetitionPenalty: true, presencePenalty: true, frequencyPenalty: true, logitBias: true } as const),
  ...({ badWordsIds: true, minNewTokens: true, seed: true, assistantModel: true, speculation: true } as const),
  ...({ grammar: true, generationConfig: true, numReturnSequences: true, maxNewTokens: true, maxTime: true } as const),
  ...({ stopStrings: true, stopTokenIds: true, ignoreEos: true, logProbs: true, skipSpecialTokens: true } as const),
  ...({ signal: true, trace: true, tools: true, documents: true, continueFinalMessage: true } as const),
  ...({ chatTemplate: true, templateVariables: true, logitsProcessor: true, stoppingCriteria: true } as const),
};

test("a stream that nobody reads holds nothing of the draft", async () => {
  const draft = await AutoModelForCausalLM.fromPretrained(DRAFT);
  let made = 0;
  const newSequence = draft.model.newSequence.bind(draft.model);
  draft.model.newSequence = () => {
    made++;
    return newSequence();
  };
  for (const speculation of [{}, { method: "merged", drafters: ["draft", "ngram"] }]) {
    target.stream("x", { assistantModel: draft, speculation });
  }
  expect(made).toBe(0);
  await target.generate("x", { assistantModel: draft, speculation: { method: "draft" }, maxNewTokens: 4 });
  expect(made).toBe(1);
  await draft.dispose();
});

test("every other object of options is checked alike", async () => {
  const load = (options: object) => AutoModelForCausalLM.fromPretrained(TARGET, options);
  await expect(load({ context_length: 64 })).rejects.toThrow(
    'unknown option "context_length" of fromPretrained. Did you mean "contextLength"?',
  );
  await expect(load({ device: "cuda" })).rejects.toThrow("models run on the CPU");
  await expect(load({ contextLength: "64" })).rejects.toThrow("contextLength must be an integer from 2");
  await expect(load({ signal: 5 })).rejects.toThrow("signal must be an AbortSignal");
  for (const [dtype, hint] of Object.entries({
    float32: '"fp32"',
    int8: '"q8"',
    "4bit": '"q4"',
    bf16: "no 16-bit form",
  })) {
    await expect(load({ dtype }), dtype).rejects.toThrow(hint);
  }
  await expect(AutoModelForCausalLM.fromPretrained(5 as never)).rejects.toThrow(
    "takes the path of a checkpoint's folder",
  );
  expect(() => new LookaheadDecoding({ model: target, windowsize: 4 } as never)).toThrow('Did you mean "windowSize"?');
  expect(() => new LookaheadDecoding({ model: TARGET } as never)).toThrow("model must be a loaded LanguageModel");
  expect(() => new LookaheadDecoding({ model: target, windowSize: 1000 })).toThrow(
    "windowSize must be an integer from 1 to 120, got 1000",
  );
  expect(() => new LookaheadDecoding({ model: target, windowSize: 100, ngramSize: 5 })).toThrow("make one smaller");
  expect(() => new LookaheadDecoding({} as never)).toThrow("needs a model");
  expect(() => configureRuntime({ treads: 2 } as never)).toThrow('Did you mean "threads"?');
  expect(() => configureRuntime({ threads: "2" } as never)).toThrow("threads must be an integer from 1 to 1024");
  expect(() => configureRuntime(undefined as never)).toThrow("needs threads");
  await expect(MedusaModel.fromPretrained(HEADS, { bases: target } as never)).rejects.toThrow('Did you mean "base"?');
  await expect(loadMedusaHeads(HEADS, target, { dtype: "int4" } as never)).rejects.toThrow('use "q4"');
  const medusa = await medusaModel("q8");
  await expect(medusa.medusaGenerate("x", { topK: 11 })).rejects.toThrow(
    "topK must be an integer from 1 to 10, got 11",
  );
  await expect(medusa.medusaGenerate("x", { medusa_choices: "small" } as never)).rejects.toThrow("medusaChoices");
  await expect(medusa.medusaGenerate("x", { posteriorThreshold: "0.1" } as never)).rejects.toThrow(
    "must be a number in",
  );
  await expect(Recording.of(target, { prompts: "x" } as never)).rejects.toThrow('Did you mean "prompt"?');
  await expect(Recording.of(target, { prompt: "x", output: "y" } as never)).rejects.toThrow("output must be a list");
  const recording = await Recording.of(target, { prompt: "x" }, { maxNewTokens: 4 });
  await expect(recording.replay({ method: "ngram" } as never)).rejects.toThrow('unknown option "method" of replay');
  await expect(target.measureCost({ repeat: 3 } as never)).rejects.toThrow('Did you mean "repeats"?');
  await expect(fitMedusaHeads(target, [], { head: 2 } as never)).rejects.toThrow('Did you mean "heads"?');
  expect(() => chooseMethod({ drafts: true } as never)).toThrow('Did you mean "draft"?');
  expect(() => chooseMethod({ batchSize: "4" } as never)).toThrow("batchSize must be");
});
