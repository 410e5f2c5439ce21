import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { command, foretoken } from "../support/cli.js";
import { prompts, temporaryFolder } from "../support/models.js";
import { tier } from "../support/tier.js";

const HERE = temporaryFolder();
const inFolder = (name: string, text = "") => {
  writeFileSync(join(HERE, name), text);
  return join(HERE, name);
};
const stories = prompts()
  .map(({ prompt }) => prompt)
  .join("\n")
  .repeat(3);
const TEXT = inFolder("stories.txt", stories);
const out = join(HERE, "out");
const small = ["--max-steps", "2", "--batch-size", "128", "--heads", "2", "--sequence-length", "64"];

const cases: [args: string[], code: 1 | 2, says: RegExp][] = [
  [[], 2, /must be told what: .*medusa.*, got nothing/],
  [["medsua"], 2, /medusa.*, got "medsua"\. Did you mean "medusa"/],
  [["medusa", "--out", out], 2, /needs --data/],
  [["medusa", "--data", TEXT], 2, /needs --out/],
  [["medusa", "--data", join(HERE, "none.txt"), "--out", out], 2, /none\.txt cannot be read \(ENOENT\)/],
  [["medusa", "--data", join(HERE, "empty"), "--out", out], 2, /empty cannot be read|holds no file/],
  [["medusa", "--data", inFolder("empty.txt"), "--out", out], 2, /empty\.txt is empty/],
  [["medusa", "--data", TEXT, "--out", "/proc/heads"], 1, /output \/proc\/heads cannot be written/],
  [["medusa", "--data", TEXT, "--out", out, "--learning-rate", "0"], 2, /--learning-rate must be > 0, got 0/],
  [["medusa", "--data", inFolder("short.txt", "Once."), "--out", out], 2, /to train on, at least 1024 are needed/],
  [
    ["medusa", "--strict", "--data", inFolder("bad.jsonl", '{"text": "a"}\n{]'), "--out", out],
    1,
    /bad\.jsonl, line 2 is not valid JSON.*strict/,
  ],
  [
    ["medusa", "--data", inFolder("textless.jsonl", '{"message": 1}'), "--out", out],
    1,
    /line 1 has "message", expected "messages"/,
  ],
  [["medusa", "--data", TEXT, "--out", out, "--train-on", "some"], 2, /unknown --train-on "some"/],
  [["medusa", "--data", inFolder("list.json", "[]"), "--out", out], 2, /expected JSON lines/],
  [["eagle", "--out", out], 2, /needs --data/],
  [["eagle", "--data", TEXT, "--out", out, "--layout", "vllm"], 2, /unknown --layout "vllm", expected/],
  [["eagle", "--data", TEXT, "--out", out, "--batch-size", "100"], 2, /multiple of sequenceLength/],
  [["medusa", "--data", TEXT, "--out", out, "--layout", "sglang"], 2, /unknown --layout "sglang", expected/],
  [["medusa2", "--data", TEXT, "--out", out, "--heads-from", join(HERE, "none")], 1, /no folder of Medusa heads at/],
  [["draft", "--out", out], 2, /train draft needs --data/],
  [["draft", "--data", TEXT, "--out", out, "--keep-layers", "a"], 2, /--keep-layers must be layers .*got "a"/],
  [["draft", "--data", TEXT, "--out", out, "--keep-layers", "3,9"], 2, /keepLayers must be layers from 0 to 5/],
  [["draft", "--data", TEXT, "--out", out, "--heads", "2"], 2, /numHeads is for a draft from scratch/],
];

test.each(cases)("foretoken train %j", async (args, code, says) => {
  const result = await command(["train", ...args]);
  expect(result.code).toBe(code);
  expect(result.stderr).toMatch(says);
  expect(result.stderr.trim().split("\n")).toHaveLength(1);
});

test("heads are trained, written with a card, and used", async () => {
  const heads = join(HERE, "heads");
  const trained = await foretoken(["train", "medusa", "--data", TEXT, "--out", heads, ...small, "--json"]);
  expect(trained.stderr).toBe("");
  expect(JSON.parse(trained.stdout)).toMatchObject({ directory: heads, steps: 2 });
  expect(existsSync(join(heads, "README.md"))).toBe(true);
  expect(existsSync(join(heads, ".training"))).toBe(false);
  const used = await command(["generate", "Once", "--heads", heads, "-n", "8", "--json"]);
  expect(used.code).toBe(0);
});

test.runIf(tier(true, false))("an EAGLE-3 layer is trained, and used", async () => {
  const heads = join(HERE, "eagle");
  const few = ["--max-steps", "2", "--sequence-length", "64", "--batch-size", "128", "--steps", "2"];
  const trained = await foretoken(["train", "eagle", "--data", TEXT, "--out", heads, ...few]);
  expect(trained.stderr).toMatch(/step 2\/2: loss .* tokens per pass/);
  expect(trained.stdout).toMatch(/Best tree of 8 nodes: .*\nWritten to/);
  const used = await command(["generate", "Once", "--heads", heads, "-n", "8", "--json"]);
  expect(used.code).toBe(0);
});

test.runIf(tier(true, false))("a draft is distilled, written with a card, and used", async () => {
  const draft = join(HERE, "draft");
  const sizes = ["--max-steps", "2", "--batch-size", "2", "--sequence-length", "64", "--layers", "1"];
  const trained = await foretoken(["train", "draft", "--data", TEXT, "--out", draft, ...sizes, "--json"]);
  expect(trained.stderr).toBe("");
  expect(JSON.parse(trained.stdout)).toMatchObject({ directory: draft, steps: 2 });
  expect(existsSync(join(draft, "README.md"))).toBe(true);
  expect(existsSync(join(draft, ".training"))).toBe(false);
  const used = await command(["generate", "Once", "--draft-model", draft, "--method", "draft", "-n", "8", "--json"]);
  expect(used.code).toBe(0);
});

test("help lists what can be trained, and the flags of each", async () => {
  const all = await command(["train", "--help"]);
  const one = await command(["train", "medusa", "--help"]);
  const same = await command(["help", "train", "medusa"]);
  expect(all.stdout).toMatch(/Usage: foretoken train WHAT/);
  expect(all.stdout).toMatch(/^ {2}medusa .*heads/m);
  expect(all.stdout).not.toContain("--shared-head");
  expect(one.stdout).toContain("Usage: foretoken train medusa --data PATH --out DIR");
  expect(one.stdout).toContain("--shared-head");
  expect(same.stdout).toBe(one.stdout);
});
