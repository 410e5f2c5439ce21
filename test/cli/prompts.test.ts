import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { unescaped } from "../../src/cli/escapes.js";
import { command, foretoken } from "../support/cli.js";
import { temporaryFolder } from "../support/models.js";
import { some } from "../support/tier.js";

const PROMPT = "Once upon a time there was a";
const LENGTH = ["-n", "12"];

/** A command line of the shell. */
async function shell(line: string): Promise<string> {
  return (await promisify(execFile)("bash", ["-c", line])).stdout;
}

test("a prompt as a word, by --prompt, by -, and piped in are one", async () => {
  const { stdout } = await command(["generate", PROMPT, ...LENGTH]);
  expect((await command(["generate", "-p", PROMPT, ...LENGTH])).stdout).toBe(stdout);
  const piped: [args: string[], stdin: string][] = [
    [["-"], `${PROMPT}\n`],
    [["-"], PROMPT],
    [[], `${PROMPT}\r\n`],
    [["-p", "-"], PROMPT],
  ];
  for (const [args, stdin] of some(piped, 2)) {
    expect(await foretoken(["generate", ...args, ...LENGTH], { stdin })).toMatchObject({ stdout, stderr: "" });
  }
  const twoLines = await command(["generate", `${PROMPT}\n`, ...LENGTH]);
  expect((await foretoken(["generate", ...LENGTH], { stdin: `${PROMPT}\n\n` })).stdout).toBe(twoLines.stdout);
  const both = await command(["generate", PROMPT, "-p", PROMPT]);
  expect(both).toMatchObject({ code: 2, stderr: expect.stringMatching(/give the prompt once/) });
});

test("nothing piped in: the prompt that comes with it", async () => {
  const line = "node bin/foretoken.js generate -n 2";
  const shown = /^Once upon a time there was a little girl named Lily\. She/;
  expect(await shell(`${line} < /dev/null`)).toMatch(shown);
  expect(await shell(`${line} <&-`)).toMatch(shown);
  expect((await foretoken(["generate", "-n", "2"])).stdout).toMatch(shown);
});

test("escapes", () => {
  expect(unescaped("a\\n\\t\\\\n\\x41\\u00e9\\u{1f600}\\0", "stop")).toBe("a\n\t\\nAé\u{1f600}\0");
  for (const wrong of ["\\d", "\\", "\\x4", "\\u12", "\\u{110000}", "a\\ "]) {
    expect(() => unescaped(wrong, "stop"), wrong).toThrow(/--stop: .* is no escape.*write \\\\ for a backslash/s);
  }
});

test("--stop reads escapes; --stop-token takes ids and tokens", async () => {
  const { stdout } = await command(["generate", PROMPT, "-n", "40"]);
  const at = stdout.indexOf(" named");
  const stopped = await command(["generate", PROMPT, "-n", "40", "--stop", "\\x20named"]);
  expect(at).toBeGreaterThan(0);
  expect(stopped.stdout).toBe(`${stdout.slice(0, at)}\n`);
  const byText = await command(["generate", PROMPT, "-n", "40", "--stop-token", ".", "--json"]);
  const { text, tokenIds, finishReason } = JSON.parse(byText.stdout);
  expect(finishReason).toBe("eos");
  expect(text).toBe(stdout.slice(0, stdout.indexOf(".") + 1));
  const byId = await command(["generate", PROMPT, "-n", "40", "--stop-token", String(tokenIds.at(-1)), "--json"]);
  expect(JSON.parse(byId.stdout).tokenIds).toEqual(tokenIds);
});

test("--json has log-probabilities and the seed that repeats a sampled text", async () => {
  const sampled = await command(["generate", PROMPT, ...LENGTH, "-t", "1", "--json", "--logprobs", "2"]);
  const { seed, text, tokenIds, logProbs, topLogProbs } = JSON.parse(sampled.stdout);
  expect(logProbs.length).toBe(tokenIds.length);
  expect(topLogProbs.every((top: unknown[]) => top.length === 2)).toBe(true);
  const again = await command(["generate", PROMPT, ...LENGTH, "-t", "1", "-s", String(seed)]);
  expect(again.stdout).toBe(`${text}\n`);
  const plain = JSON.parse((await command(["generate", PROMPT, "-n", "2", "--json", "--logprobs", "0"])).stdout);
  expect(Object.keys(plain)).toEqual(["text", "tokenIds", "finishReason", "logProbs", "stats"]);
});

test("a schema from a pipe", async () => {
  const schema = '{"enum":["fox","cat"]}';
  const file = join(temporaryFolder(), "schema.json");
  writeFileSync(file, schema);
  const line = "node bin/foretoken.js generate 'The animal is' -n 30 --json-schema";
  const expected = await shell(`${line} ${file}`);
  expect(JSON.parse(expected)).toMatch(/fox|cat/);
  const lines = [`echo '${schema}' | ${line} -`, `${line} <(echo '${schema}')`, `cat ${file} | ${line} /dev/stdin`];
  for (const piped of some(lines, 2)) {
    expect(await shell(piped), piped).toBe(expected);
  }
  const twice = await foretoken(["generate", "-", "--json-schema", "-"], { stdin: schema });
  expect(twice).toMatchObject({ code: 2, stderr: expect.stringMatching(/standard input is read by --json-schema/) });
});

test("special tokens are shown when asked for", async () => {
  const file = join(temporaryFolder(), "schema.json");
  writeFileSync(file, '{"enum":["fox"]}');
  const args = ["generate", "The animal is", "--json-schema", file, "--json"];
  const shown = JSON.parse((await command([...args, "--show-special-tokens"])).stdout);
  const hidden = JSON.parse((await command(args)).stdout);
  expect(shown.tokenIds).toEqual(hidden.tokenIds);
  expect(shown.finishReason).toBe("eos");
  expect(shown.text).toBe(`${hidden.text}<|endoftext|>`);
});
