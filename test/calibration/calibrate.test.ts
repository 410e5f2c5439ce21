import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { areBlocks } from "../../src/conversion/on-grid.js";
import {
  AutoModelForCausalLM,
  type CalibrateOptions,
  type CalibrateProgress,
  calibrate,
  type LanguageModel,
} from "../../src/index.js";
import { openCheckpoint } from "../../src/models/checkpoint/checkpoint.js";
import { nativeOperators } from "../../src/runtime/native-operators.js";
import { command, foretoken } from "../support/cli.js";
import { DRAFT, model, prompts, temporaryFolder } from "../support/models.js";
import { quality } from "../support/quality.js";

/** Random weights in 32 bits, without a tokenizer. */
const TINY = "test/oracle/llama/gqa-tied";
let tiny: LanguageModel;
beforeAll(async () => {
  tiny = await AutoModelForCausalLM.fromPretrained(TINY, { dtype: "fp32" });
});
afterAll(() => tiny.dispose());

const SMALL = { tokens: 96, sequenceLength: 32 } as const;
const newFolder = () => join(temporaryFolder(), "calibrated");
const calibrateTiny = (options: Partial<CalibrateOptions> = {}, output = newFolder()) =>
  calibrate(tiny, { ...SMALL, output, ...options });
const weightsIn = (directory: string) => readFileSync(join(directory, "model.safetensors")).toString("base64");

test("a calibrated model is nearer to the original than one that is rounded to nearest", async () => {
  const output = newFolder();
  const progress: CalibrateProgress[] = [];
  const asked = {
    output,
    tokens: 1024,
    sequenceLength: 128,
    onProgress: (event: CalibrateProgress) => progress.push(event),
  };
  const original = await model(DRAFT, "fp32");
  const result = await calibrate(original, asked);
  expect(result).toMatchObject({ directory: output, tokens: 1024, rounded: 10, kept: 0 });
  expect(progress.at(-1)).toEqual({ stage: "layers", layer: 2, layers: 2 });
  expect(progress).toContainEqual({ stage: "text", tokens: 1024, most: 1024 });
  const texts = prompts()
    .slice(0, 8)
    .map(({ prompt }) => original.promptIds(prompt));
  const calibrated = await AutoModelForCausalLM.fromPretrained(output, { dtype: "q4" });
  const after = await quality(original, calibrated, texts);
  const before = await quality(original, await model(DRAFT, "q4"), texts);
  expect(after.kl).toBeLessThan(0.6 * before.kl);
  await calibrated.dispose();
});

test("products are blocks of 4 bits, all other weights the model's own", async () => {
  const { directory } = await calibrateTiny();
  const [made, given] = [await openCheckpoint(directory), await openCheckpoint(TINY)];
  for (const name of given.source.names()) {
    const { shape, dtype } = given.source.info(name)!;
    expect([name, made.source.info(name)]).toEqual([name, { shape, dtype }]);
    const read = async ({ source }: typeof made) => {
      const values = new Float32Array(shape.reduce((product, dim) => product * dim));
      await source.readRows(name, 0, shape[0], values);
      return values;
    };
    const values = await read(made);
    if (/proj/.test(name)) expect([name, areBlocks(values, shape[1])]).toEqual([name, true]);
    else expect(values).toEqual(await read(given));
  }
  await made.source.close();
  await given.source.close();
});

test("the same seed gives the same bytes, given text others", async () => {
  const [first, second, other] = [await calibrateTiny(), await calibrateTiny(), await calibrateTiny({ seed: 1 })];
  expect(weightsIn(first.directory)).toBe(weightsIn(second.directory));
  expect(weightsIn(first.directory)).not.toBe(weightsIn(other.directory));
  const examples = [{ tokens: Array.from({ length: 80 }, (_, i) => (7 * i) % tiny.vocabLimit) }];
  const given = await calibrateTiny({ examples });
  // 32 tokens a sequence: what is left over fills none.
  expect(given.tokens).toBe(64);
  expect(weightsIn(first.directory)).not.toBe(weightsIn(given.directory));
});

test("a few tokens are enough for an answer", async () => {
  const { tokens, error } = await calibrateTiny({ examples: [{ tokens: [5, 6, 7] }] });
  expect(tokens).toBe(3);
  expect(error).toBeLessThan(1);
});

test("what is of 4 bits already stays, and where all is there is nothing to do", async () => {
  const { directory } = await calibrateTiny();
  const calibrated = await AutoModelForCausalLM.fromPretrained(directory, { dtype: "q4" });
  const output = newFolder();
  await expect(calibrate(calibrated, { output })).rejects.toThrow(
    /nothing to do: all products of .* q4 holds them exactly/,
  );
  expect(existsSync(output)).toBe(false);
  await calibrated.dispose();
});

test("q4 is the default of what is of 4 bits already where it is held exactly, q8 of all else", async () => {
  const { directory } = await calibrateTiny();
  const native = nativeOperators().path !== undefined;
  const dtypeOf = async (folder: string, options = {}) => {
    await using loaded = await AutoModelForCausalLM.fromPretrained(folder, options);
    return loaded.dtype;
  };
  expect(await dtypeOf(directory)).toBe(native ? "q4" : "q8");
  expect(await dtypeOf(directory, { dtype: "q8" })).toBe("q8");
  expect(await dtypeOf(TINY)).toBe("q8");
  const inspect = async (folder: string, env = {}) =>
    JSON.parse((await foretoken(["inspect", "--json", folder], { env })).stdout).defaultDtype;
  expect((await inspect(directory)).dtype).toBe(native ? "q4" : "q8");
  expect(await inspect(TINY)).toEqual({ dtype: "q8", reason: "the checkpoint's weights are wider than 4 bits" });
  expect(await inspect(directory, { FORETOKEN_NATIVE: "off" })).toEqual({
    dtype: "q8",
    reason: expect.stringMatching(/only Foretoken's operators hold exactly: FORETOKEN_NATIVE is off/),
  });
});

test("what makes no sense is refused before any work", async () => {
  const there = (await calibrateTiny()).directory;
  const wrong: [Partial<CalibrateOptions>, RegExp][] = [
    [{ output: there }, /holds model\.safetensors already/],
    [{ output: "/proc/calibrated" }, /output \/proc\/calibrated cannot be written/],
    [{ output: "" }, /calibrate needs an output/],
    [{ tokens: 1 }, /tokens must be an integer from 2, got 1/],
    [{ sequenceLength: 4096 }, /sequenceLength is 4096, the model's context is 128/],
    [{ examples: [] }, /nothing to calibrate on/],
    [{ examples: [{ tokens: [1, 5000] }] }, /token id 5000 of an example is outside the vocabulary/],
    [{ examples: "text" as never }, /examples must be an iterable of examples \{ tokens \}, got "text"/],
    [{ token: 3 } as never, /unknown option "token" of calibrate. Did you mean "tokens"/],
  ];
  for (const [options, says] of wrong) await expect(calibrateTiny(options)).rejects.toThrow(says);
  await expect(calibrate({} as never, { output: "x" })).rejects.toThrow(/needs a loaded LanguageModel/);
});

test("a calibration that is stopped leaves no weights", async () => {
  const output = newFolder();
  const stopping = new AbortController();
  const onProgress = ({ stage }: CalibrateProgress) => stage === "layers" && stopping.abort();
  await expect(calibrateTiny({ signal: stopping.signal, onProgress }, output)).rejects.toThrow(/abort/i);
  expect(existsSync(join(output, "model.safetensors"))).toBe(false);
  expect(readdirSync(output)).toEqual([]);
});

test("foretoken calibrate reads text, and writes a model that generates", async () => {
  const folder = temporaryFolder();
  const [data, output] = [join(folder, "text.txt"), join(folder, "out")];
  writeFileSync(
    data,
    prompts()
      .map(({ prompt }) => prompt)
      .join("\n"),
  );
  const asked = ["calibrate", "-m", DRAFT, "--data", data, "--tokens", "256", "--out", output];
  const { code, stdout } = await command(asked);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^10 products rounded over 256 tokens in \d+ s\.\n.*differ .*%, on other text by more\.\nWritten to .*: q4 holds it exactly, and is its default dtype\.\n$/,
  );
  const generated = await command(["generate", "-m", output, "-n", "4", "--method", "none", "Once"]);
  expect(generated.code).toBe(0);
  const again = await command(asked);
  expect([again.code, again.stderr]).toEqual([2, expect.stringMatching(/holds model\.safetensors already/)]);
  const without = await command(["calibrate", "-m", DRAFT]);
  expect([without.code, without.stderr]).toEqual([2, expect.stringMatching(/calibrate needs --out/)]);
});
