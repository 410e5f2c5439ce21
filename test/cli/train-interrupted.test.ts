import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { foretoken } from "../support/cli.js";
import { prompts, temporaryFolder } from "../support/models.js";

const HERE = temporaryFolder();
const TEXT = join(HERE, "stories.txt");
const STEPS = 8;
const training = (out: string) => [
  ...["train", "medusa", "--data", TEXT, "--out", out, "--heads", "2", "--shared-head", "--max-steps", `${STEPS}`],
  ...["--batch-size", "64", "--max-tokens", "2600", "--sequence-length", "16", "--checkpoint-minutes", "0.00001"],
];

beforeAll(() => {
  writeFileSync(
    TEXT,
    prompts()
      .map(({ prompt }) => prompt)
      .join("\n"),
  );
});

test("a training that is killed goes on from its checkpoint, to the same bits, with a whole log", async () => {
  const [whole, broken] = [join(HERE, "whole"), join(HERE, "broken")];
  expect((await foretoken(training(whole))).code).toBe(0);
  const child = spawn(process.execPath, ["bin/foretoken.js", ...training(broken)], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.on("close", (_, signal) => resolve(signal)));
  const checkpoints = join(broken, ".training", "checkpoints");
  const step = () =>
    existsSync(checkpoints)
      ? Math.max(0, ...readdirSync(checkpoints).map((name) => Number(name.split("-")[1]) || 0))
      : 0;
  while (step() < 3 && child.exitCode === null) await setTimeout(5);
  child.kill("SIGKILL");
  expect(await ended).toBe("SIGKILL");
  expect((await foretoken([...training(broken), "--resume"])).stderr).not.toContain("error");
  const weights = (folder: string) => readFileSync(join(folder, "medusa_lm_head.safetensors"));
  expect(weights(broken).equals(weights(whole))).toBe(true);
  const steps = (folder: string) =>
    readFileSync(join(folder, "training.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .map(({ stage, step, loss, losses }) => ({ stage, step, loss, losses }));
  expect(steps(broken)).toEqual(steps(whole));
  expect(readFileSync(join(broken, "training.html"), "utf8")).toContain("tokens per pass");
});

test("a disk that fills up says so in one line, and leaves no heads", () => {
  const out = join(HERE, "full");
  const args = training(out).filter((arg) => arg !== "--shared-head");
  // Blocks of 1024 bytes: hidden states fit, a checkpoint with two output products does not.
  const command = 'ulimit -f 4000; exec "$0" bin/foretoken.js "$@"';
  const { status, stderr } = spawnSync("bash", ["-c", command, process.execPath, ...args], { encoding: "utf8" });
  expect(status).toBe(1);
  const said = stderr.trim().split("\n");
  expect(said.at(-1)).toMatch(/step-1.tmp.state.safetensors cannot be written \(EFBIG\): free some space/);
  expect(existsSync(join(out, "medusa_lm_head.safetensors"))).toBe(false);
  expect(readdirSync(join(out, ".training", "checkpoints"))).toEqual([]);
});
