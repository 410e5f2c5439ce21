import { execFile } from "node:child_process";
import { appendFileSync, cpSync, rmSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { nativeOperators } from "../../src/runtime/native-operators.js";
import { temporaryFolder } from "../support/models.js";

const run = promisify(execFile);
const SHIPPED = ["linux-x64"].includes(`${process.platform}-${process.arch}`);

/** Where a copy of the package's built code and libraries lies, beside its dependencies. */
let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
  for (const part of ["dist", "prebuilds", "package.json"]) cpSync(part, join(folder, part), { recursive: true });
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  cpSync("models/draft", join(folder, "models/draft"), { recursive: true });
});

/** Generates in a process of its own: its tokens and logits of the embedded draft in q4, and what Node warned of. */
async function generate(env: Record<string, string> = {}, from = folder): Promise<{ out: string; warnings: string }> {
  const script = `
    const { AutoModelForCausalLM } = await import(${JSON.stringify(join(from, "dist/index.js"))});
    const lm = await AutoModelForCausalLM.fromPretrained(${JSON.stringify(join(folder, "models/draft"))}, { dtype: "q4" });
    const again = lm.model.options.manifest.product;
    const { tokenIds, logProbs } = await lm.generate("Once upon a time", { maxNewTokens: 12, logProbs: 1, ignoreEos: true });
    await lm.dispose();
    console.log(JSON.stringify([again, lm.exactness?.level, tokenIds, logProbs]));`;
  const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "-e", script], {
    cwd: process.cwd(),
    env: { ...process.env, ...env },
  });
  return { out: stdout, warnings: stderr };
}

test.runIf(SHIPPED)("the library that is shipped for this platform runs", () => {
  const { path, kernels, reason } = nativeOperators();
  expect([reason, path?.includes("prebuilds")]).toEqual([undefined, true]);
  expect(["plain", "avx2", "avx-vnni", "avx512-vnni", "neon"]).toContain(kernels);
});

test.runIf(SHIPPED)("all kernels give the same text and probabilities", async () => {
  const best = await generate();
  expect(best.warnings).toBe("");
  expect(JSON.parse(best.out)[0]).toBe("SkinnyMatMul");
  expect(await generate({ FORETOKEN_KERNELS: "plain" })).toEqual(best);
});

test.runIf(SHIPPED)("kernels that this CPU has not are said, and ONNX Runtime's products run", async () => {
  const { out, warnings } = await generate({ FORETOKEN_KERNELS: "sse9" });
  expect(JSON.parse(out)[0]).toBe("MatMulNBits");
  expect(warnings).toContain("FORETOKEN_KERNELS=sse9 names no kernels that run on this CPU");
});

test("switched off, ONNX Runtime's products run without a word", async () => {
  const { out, warnings } = await generate({ FORETOKEN_NATIVE: "off" });
  expect([JSON.parse(out)[0], warnings]).toEqual(["MatMulNBits", ""]);
});

test("a switch that is neither on nor off is said, with what it may be", async () => {
  const { warnings } = await generate({ FORETOKEN_NATIVE: "banana" });
  expect(warnings).toContain("FORETOKEN_NATIVE=banana is not known, expected on or off: taken for on");
  expect((await generate({ FORETOKEN_NATIVE: "on" })).warnings).not.toContain("FORETOKEN_NATIVE");
});

test.runIf(SHIPPED).each([
  ["damaged", "is not as it was built", (path: string) => appendFileSync(path, "x")],
  ["missing", "are missing", (path: string) => rmSync(path)],
] as const)("a library that is %s is said, and ONNX Runtime's products run", async (_, message, harm) => {
  const copy = temporaryFolder();
  cpSync(folder, copy, { recursive: true, verbatimSymlinks: true });
  harm(join(copy, "prebuilds", "linux-x64", "foretoken_ops.so"));
  const { out, warnings } = await generate({}, copy);
  expect(JSON.parse(out)[0]).toBe("MatMulNBits");
  expect(warnings).toContain(message);
  expect(
    warnings
      .trim()
      .split("\n")
      .filter((line) => line.includes("ForetokenWarning")),
  ).toHaveLength(1);
});
