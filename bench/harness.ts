import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { table } from "../src/cli/terminal.js";
import type { ChatMessage } from "../src/index.js";
import { cpuFeatures, cpuModel } from "../src/runtime/cpu.js";

/** One thing to time. Variants of a comparison are run in turn within each round. */
export interface Variant {
  name: string;
  run(): Promise<void> | void;
}

/** Times of one variant over the rounds, in milliseconds. */
export interface Timing {
  name: string;
  median: number;
  /** First and third quartile. */
  low: number;
  high: number;
  /** CPU time over wall time: 2 means two cores were busy. */
  cpuOverWall: number;
  ms: number[];
}

/** Runs the variants interleaved for `rounds` rounds after `warmUp` rounds that do not count. */
export async function interleaved(variants: readonly Variant[], rounds: number, warmUp = 1): Promise<Timing[]> {
  const ms = variants.map(() => [] as number[]);
  const cpu = variants.map(() => 0);
  for (let round = -warmUp; round < rounds; round++) {
    for (const [i, variant] of variants.entries()) {
      const usage = process.cpuUsage();
      const start = performance.now();
      await variant.run();
      const taken = performance.now() - start;
      if (round < 0) continue;
      const { user, system } = process.cpuUsage(usage);
      ms[i].push(taken);
      cpu[i] += (user + system) / 1000;
    }
  }
  return variants.map(({ name }, i) => {
    const sum = ms[i].reduce((a, b) => a + b, 0);
    return {
      name,
      median: quantile(ms[i], 0.5),
      low: quantile(ms[i], 0.25),
      high: quantile(ms[i], 0.75),
      cpuOverWall: cpu[i] / sum,
      ms: ms[i],
    };
  });
}

/** Median of the ratios a/b, round by round: what holds when the machine's speed drifts. */
export function pairedRatio(a: Timing, b: Timing): number {
  return quantile(
    a.ms.map((value, i) => value / b.ms[i]),
    0.5,
  );
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

/** Prints a heading with the machine, and a table; with --json FILE writes everything there. */
export function report(title: string, rows: string[][], details: unknown): void {
  process.stdout.write(`\n${title}\n${cpuModel()}: ${cpuFeatures().join(" ")}\n\n${table(rows)}`);
  const flag = process.argv.indexOf("--json");
  if (flag < 0) return;
  const path = process.argv[flag + 1];
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    `${JSON.stringify({ title, cpu: { model: cpuModel(), features: cpuFeatures() }, details }, null, 2)}\n`,
  );
}

/** Conversations or texts to continue, a JSON line each with `messages` or `prompt`: of --prompts FILE, at most --count N of each kind. */
export function promptsOr(fallback: string): { kind: string; input: ChatMessage[] | string }[] {
  const [path] = listFlag("prompts", [fallback]);
  const count = Number(listFlag("count", ["100"])[0]);
  const lines = readFileSync(path, "utf8").trim().split("\n");
  const seen = new Map<string, number>();
  return lines
    .map((line): { kind: string; messages?: ChatMessage[]; prompt: string } => JSON.parse(line))
    .filter(({ kind }) => {
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      return seen.get(kind)! <= count;
    })
    .map(({ kind, messages, prompt }) => ({ kind, input: messages ?? prompt }));
}

/** The first `most` of each kind of the tests' prompts, texts to go on with. */
export function textsByKind(most: number): Map<string, string[]> {
  const kinds = new Map<string, string[]>();
  for (const line of readFileSync("test/golden/prompts.jsonl", "utf8").trim().split("\n")) {
    const { kind, prompt } = JSON.parse(line) as { kind: string; prompt: string };
    const known = kinds.get(kind) ?? [];
    kinds.set(kind, known);
    if (known.length < most) known.push(prompt);
  }
  return kinds;
}

/** The value of a flag such as --dtype, split at commas; the default where it is absent. */
export function listFlag(name: string, fallback: readonly string[]): string[] {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? [...fallback] : process.argv[at + 1].split(",");
}
