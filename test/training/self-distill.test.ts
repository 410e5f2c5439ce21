import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { LanguageModel, PromptFiles, type SelfDistillOptions, selfDistill, TrainingData } from "../../src/index.js";
import { Tokenizer } from "../../src/tokenizer/tokenizer.js";
import { promptOf } from "../../src/training/self-distill/prompts.js";
import { command } from "../support/cli.js";
import { model, prompts, readJson, TARGET, temporaryFolder } from "../support/models.js";
import { some } from "../support/tier.js";

const HERE = temporaryFolder();
const PROMPTS = join(HERE, "prompts.txt");
const texts = some(prompts(), 12).map(({ prompt }) => prompt.replaceAll("\n", " "));
let target: LanguageModel;
/** What an unbroken run writes. */
let whole: string;
beforeAll(async () => {
  writeFileSync(PROMPTS, texts.join("\n"));
  target = await model(TARGET, "q8");
});

const OPTIONS = { temperature: 0.8, maxNewTokens: 24, prefixTokens: 8, seed: 3 } as const;
let files = 0;
const distill = async (options: Partial<SelfDistillOptions> = {}, lm = target) => {
  const output = options.output ?? join(HERE, `${files++}.jsonl`);
  await selfDistill(lm, await PromptFiles.open(PROMPTS), { ...OPTIONS, ...options, output });
  return output;
};
const linesOf = (path: string) =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("answers do not depend on how many are made together, nor on the method; each prompt has noise of its own", async () => {
  const together = await distill();
  whole = readFileSync(together, "utf8");
  const lines = linesOf(together);
  expect(lines.map(({ id }) => id)).toEqual(texts.map((_, i) => i));
  expect(lines.every(({ finish_reason }) => ["stop", "length"].includes(finish_reason))).toBe(true);
  lines.forEach(({ prompt }, i) => {
    expect(texts[i].startsWith(prompt)).toBe(true);
    expect(target.tokenizer!.encode(prompt, { addSpecialTokens: false }).length).toBeLessThanOrEqual(8);
  });
  const first = lines[2];
  const { text } = await target.generate(first.prompt, { temperature: 0.8, maxNewTokens: 24, seed: 3 * 2 ** 22 + 2 });
  expect(first.completion).toBe(text);
  const alone = await distill({ batchSize: 3, speculation: { method: "none" } });
  expect(readFileSync(alone, "utf8")).toBe(whole);
  expect(readFileSync(await distill({ seed: 4 }), "utf8")).not.toBe(whole);
});

test("what was stopped in mid-line is resumed to the same bytes; with other options or prompts it is refused", async () => {
  const output = join(HERE, "stopped.jsonl");
  const stop = new AbortController();
  const onProgress = ({ answers }: { answers: number }) => answers >= 5 && stop.abort();
  await expect(distill({ output, onProgress, signal: stop.signal, batchSize: 3 })).rejects.toThrow(/abort/i);
  const kept = readFileSync(output, "utf8");
  expect(kept.length).toBeLessThan(whole.length);
  expect(whole.startsWith(kept)).toBe(true);
  appendFileSync(output, whole.slice(kept.length, kept.length + 40));
  await expect(distill({ output })).rejects.toThrow("holds answers already: resume");
  await expect(distill({ output, resume: true, seed: 9 })).rejects.toThrow("other options, prompts or model");
  const other = await PromptFiles.open(join(HERE, "0.jsonl"));
  await expect(selfDistill(target, other, { ...OPTIONS, output, resume: true })).rejects.toThrow(
    "other options, prompts",
  );
  expect(readFileSync(output, "utf8").startsWith(kept)).toBe(true);
  await distill({ output, resume: true });
  expect(readFileSync(output, "utf8")).toBe(whole);
  await expect(distill({ output, resume: true })).rejects.toThrow("is there and complete");
});

test("kill -9 costs no more than a line, and the resumed file is that of an unbroken run", async () => {
  const args = (out: string) => ["train", "self-distill", "--prompts", PROMPTS, "--out", out, "-t", "0.8", "-n", "24"];
  const flags = ["--prefix-tokens", "8", "-s", "3"];
  const output = join(HERE, "killed.jsonl");
  const child = spawn(process.execPath, ["bin/foretoken.js", ...args(output), ...flags, "--batch-size", "2"]);
  const closed = new Promise((resolve) => child.on("close", (_, signal) => resolve(signal)));
  while (child.exitCode === null && !(existsSync(output) && statSync(output).size > 0)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  child.kill("SIGKILL");
  expect(await closed).toBe("SIGKILL");
  const kept = linesOf(output).length;
  expect(kept).toBeLessThan(texts.length);
  const resumed = await command([...args(output), ...flags, "--resume", "--json"]);
  expect(resumed.code).toBe(0);
  expect(JSON.parse(resumed.stdout)).toMatchObject({ answers: texts.length - kept });
  expect(readFileSync(output, "utf8")).toBe(whole);
});

test("a model with a chat template answers turns, and trainers read its answers", async () => {
  const chat_template = `{% for m in messages %}[{{ m.role }}]{{ m.content }}<|endoftext|>{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}`;
  const tokenizer = new Tokenizer(readJson(`${TARGET}/tokenizer.json`), { chat_template }, "tokenizer.json");
  const chatty = new LanguageModel(target.model, tokenizer, target.directory);
  const output = await distill({ prefixTokens: undefined }, chatty);
  const lines = linesOf(output);
  expect(lines[0].messages.map(({ role }: { role: string }) => role)).toEqual(["user", "assistant"]);
  let examples = 0;
  for await (const { lossMask } of await TrainingData.open(output, tokenizer, { strict: true, length: 1024 })) {
    expect(lossMask).toContain(true);
    examples++;
  }
  expect(examples).toBe(lines.length);
});

test.each([
  [
    {
      messages: [
        { role: "user", content: "a" },
        { role: "assistant", content: "b" },
      ],
    },
    [{ role: "user", content: "a" }],
  ],
  [{ conversations: [{ from: "human", value: "a" }] }, [{ role: "user", content: "a" }]],
  [{ prompt: "a", completion: "b" }, "a"],
  [{ text: "a" }, "a"],
])("the prompt of %j", (line, prompt) => {
  expect(promptOf(JSON.stringify(line))).toEqual(prompt);
});

const cases: [args: string[], code: 1 | 2, says: RegExp][] = [
  [["--out", "x.jsonl"], 2, /needs --prompts/],
  [["--prompts", PROMPTS], 2, /needs --out/],
  [["--prompts", "none.txt", "--out", "x.jsonl"], 2, /none\.txt cannot be read \(ENOENT\)/],
  [["--prompts", PROMPTS, "--out", "/proc/x.jsonl"], 1, /\/proc\/x\.jsonl cannot be written/],
  [["--prompts", PROMPTS, "--out", "x.jsonl", "-t", "-1"], 2, /--temperature must be/],
  [["--prompts", PROMPTS, "--out", "x.jsonl", "--prefix-tokens", "0"], 2, /--prefix-tokens must be an integer from 1/],
];
test.each(cases)("foretoken train self-distill %j", async (args, code, says) => {
  const result = await command(["train", "self-distill", ...args]);
  expect(result.code).toBe(code);
  expect(result.stderr).toMatch(says);
  expect(result.stderr.trim().split("\n")).toHaveLength(1);
});

test.skipIf(process.platform === "win32")(
  "where a file may not grow any more that is one line, and what was written is kept",
  async () => {
    const output = join(HERE, "full.jsonl");
    const args = `train self-distill --prompts ${PROMPTS} --out ${output} -t 0.8 -n 24 --prefix-tokens 8 -s 3 --batch-size 3`;
    const child = spawn("bash", ["-c", `ulimit -f 1; exec ${process.execPath} bin/foretoken.js ${args}`]);
    let stderr = "";
    child.stderr.on("data", (data) => {
      stderr += data;
    });
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(1);
    expect(stderr).toMatch(/full\.jsonl cannot be written \(EFBIG\): free some space/);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    const kept = readFileSync(output, "utf8");
    expect(kept.length).toBeGreaterThan(0);
    expect(whole.startsWith(kept)).toBe(true);
  },
);
