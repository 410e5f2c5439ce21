import { execFile } from "node:child_process";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { command, foretoken } from "../support/cli.js";
import { DRAFT, temporaryFolder } from "../support/models.js";
import { tier } from "../support/tier.js";

const PROMPT = "Once upon a time there was a";
const COLOUR = "\u001b[";

test.each(["demo", "generate", "chat", "inspect", "doctor"])(
  "%s --help tells usage, options and examples",
  async (name) => {
    const { code, stdout, stderr } = await command([name, "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`Usage: foretoken ${name}`));
    expect(stdout).toMatch(/Options:\n[\s\S]*Examples:\n {2}# /);
    expect(await command(["help", name])).toMatchObject({ code: 0, stdout });
  },
);

test("no argument, --help and --version", async () => {
  const overview = await command([]);
  expect(overview.stdout).toMatch(/Usage: foretoken COMMAND/);
  expect((await command(["--help"])).stdout).toBe(overview.stdout);
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  expect((await foretoken(["--version"])).stdout).toBe(`${version}\n`);
});

test("generate prints the text, the same with and without a draft, and nothing else", async () => {
  const fast = await foretoken(["generate", PROMPT, "-n", "24"]);
  expect(fast).toMatchObject({ code: 0, stderr: "" });
  expect(fast.stdout).not.toContain(COLOUR);
  const plain = await command(["generate", PROMPT, "-n", "24", "--method", "none"]);
  expect(plain.stdout).toBe(fast.stdout);
});

test("generate --json prints one object; a prompt comes by a pipe", async () => {
  const { code, stdout, stderr } = await foretoken(["generate", "-", "--json", "-n", "12", "--explain"], {
    stdin: PROMPT,
  });
  expect(code).toBe(0);
  expect(stderr).toMatch(/^method draft: 12 tokens in \d+ target passes/);
  const answer = JSON.parse(stdout);
  expect(answer).toMatchObject({ finishReason: "length", stats: { method: "draft", newTokens: 12, lossless: true } });
  expect(answer.tokenIds).toHaveLength(12);
  expect(`${answer.text}\n`).toBe((await command(["generate", PROMPT, "-n", "12"])).stdout);
});

test("colours: forced on, off by --no-color and NO_COLOR", async () => {
  const coloured = await foretoken(["generate", PROMPT, "-n", "12"], { env: { FORCE_COLOR: "1" } });
  expect(coloured.stdout).toContain(COLOUR);
  for (const [flags, env] of [
    [["--no-color"], {}],
    [[], { NO_COLOR: "1" }],
  ] as [string[], object][]) {
    const plain = await foretoken(["generate", PROMPT, "-n", "12", ...flags], { env: { FORCE_COLOR: "1", ...env } });
    expect(plain.stdout).not.toContain(COLOUR);
  }
});

test("a reader that goes away is no error", async () => {
  const line = `node bin/foretoken.js generate "${PROMPT}" -n 400 --ignore-eos | head -c 20; echo " \${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await promisify(execFile)("bash", ["-c", line]);
  expect(stderr).toBe("");
  expect(stdout).toMatch(/ 0\n$/);
});

const LONG = ["generate", PROMPT, "-n", tier("600", "250"), "--ignore-eos", "--method", "none"];
let whole: string | undefined;

test.each(["SIGINT", "SIGTERM"] as const)("%s ends with the text so far", async (signal) => {
  let sent = false;
  const result = await foretoken(LONG, {
    onStdout: (text, kill) => {
      if (sent || text.length < 20) return;
      sent = true;
      kill(signal);
    },
  });
  expect(result).toMatchObject({ code: 130, stderr: "" });
  whole ??= (await command(LONG)).stdout;
  const text = result.stdout.replace(/\n$/, "");
  expect(text.length).toBeGreaterThan(19);
  expect(text.length).toBeLessThan(whole.length);
  expect(whole.startsWith(text)).toBe(true);
});

test("inspect --json tells shapes, parameters and memory", async () => {
  const { code, stdout } = await command(["inspect", "models/target", "--json"]);
  expect(code).toBe(0);
  const told = JSON.parse(stdout);
  expect(told).toMatchObject({ config: { modelType: "llama", hiddenSize: 256 } });
  expect(JSON.stringify(told)).toMatch(/"parameters":\d{7}/);
});

test("inspect writes a directory's name so that a terminal obeys nothing of it", async () => {
  const directory = join(temporaryFolder(), "evil\u001b]0;x\u0007\nname");
  cpSync(DRAFT, directory, { recursive: true });
  const { code, stdout } = await command(["inspect", directory]);
  expect(code).toBe(0);
  expect(stdout.split("\n")[0]).toMatch(/evil\\u001b\]0;x\\u0007\\u000aname$/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
  expect(stdout).not.toMatch(/[\u001b\u0007]/);
});

test("inspect tells EAGLE-3 heads from models", async () => {
  const { code, stdout } = await command(["inspect", "test/oracle/eagle/specforge"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/EAGLE-3: one layer.*after 1, 3, 5 layers.*48 of 96 tokens, by d2t.*the target's/s);
  const told = JSON.parse((await command(["inspect", "test/oracle/eagle/speculators", "--json"])).stdout);
  expect(told).toMatchObject({ heads: "eagle3", ownEmbedding: true, mapped: false, base: "../target" });
});

test("--trace writes every step", async () => {
  const file = join(temporaryFolder(), "trace.jsonl");
  const { stdout } = await command(["generate", PROMPT, "-n", "20", "--json", "--tree-widths", "2,1", "--trace", file]);
  const steps = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(steps.flatMap((step) => step.committed)).toEqual(JSON.parse(stdout).tokenIds);
  expect(steps.every((step) => step.v === 1 && step.tree.tokens.length === step.tree.parents.length)).toBe(true);
});

test("chat refuses a model without a chat template, in one line", async () => {
  const { code, stderr } = await foretoken(["chat"], { stdin: "hello\n" });
  expect(code).toBe(2);
  expect(stderr).toMatch(/^foretoken: .*chat template.*\n$/);
});
