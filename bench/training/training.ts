/**
 * Steps of training on the embedded target, and where PyTorch is there the same shapes in it, in turn: rows a second, and the most
 * memory of the process.
 *
 *   npm run bench:training -- [--python PYTHON] [--rounds 3] [--threads 2] [--json FILE]
 *
 * PYTHON has torch and transformers. Both draw random tokens: what is learned does not matter here.
 */
import { spawnSync } from "node:child_process";
import { listFlag, quantile, report } from "../harness.js";

interface Measured {
  /** Rows a second, the median over a run's steps. */
  rows: number;
  megabytes: number;
}

const KINDS = ["medusa", "medusa-shared", "eagle", "draft"];
const rounds = Number(listFlag("rounds", ["3"])[0]);
const [threads] = listFlag("threads", ["2"]);
const [python] = listFlag("python", []);
const sides: Record<string, (kind: string) => Measured> = {
  here: (kind) => run(process.execPath, [new URL("one-training.js", import.meta.url).pathname, kind]),
  ...(python && { PyTorch: (kind: string) => run(python, ["bench/training/training_torch.py", kind]) }),
};

function run(command: string, words: readonly string[]): Measured {
  const env = { ...process.env, FORETOKEN_THREADS: threads, OMP_NUM_THREADS: threads };
  const { status, stdout, stderr } = spawnSync(command, words, { env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${words.join(" ")} failed: ${stderr.slice(-500)}`);
  return JSON.parse(stdout.trim().split("\n").pop()!);
}

const found = KINDS.map((kind) => {
  const of: Record<string, Measured[]> = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
  for (let round = 0; round < rounds; round++) for (const side of Object.keys(sides)) of[side].push(sides[side](kind));
  return { kind, of };
});
const median = (runs: readonly Measured[], what: keyof Measured) =>
  quantile(
    runs.map((each) => each[what]),
    0.5,
  );
const cells = (runs: readonly Measured[]) => [median(runs, "rows").toFixed(0), median(runs, "megabytes").toFixed(0)];
const rows = found.map(({ kind, of }) => [
  kind,
  ...Object.values(of).flatMap(cells),
  ...(python
    ? [
        `${quantile(
          of.here.map(({ rows }, i) => rows / of.PyTorch[i].rows),
          0.5,
        ).toFixed(2)}x`,
      ]
    : []),
]);
const heads = Object.keys(sides).flatMap((side) => [`${side}, rows/s`, "MB"]);
report(
  `training, ${threads} threads, medians of ${rounds} runs`,
  [["", ...heads, ...(python ? ["here of PyTorch"] : [])], ...rows],
  found,
);
