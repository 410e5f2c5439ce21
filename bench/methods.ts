/**
 * Every method on every kind of prompt: tokens a pass, speed-up over plain decoding, and the ideal: what the run's own
 * t(n) allows for the rows of its passes, drafting for free. One table for each target; `--markdown FILE` writes them.
 *
 *   npm run bench:methods -- [--size embedded,135M,500M|none] [--model DIR] [--methods NAMES] [--temperature 0]
 *     [--markdown FILE] [--json FILE]
 */
import { existsSync, writeFileSync } from "node:fs";
import {
  AutoModelForCausalLM,
  type EagleHeads,
  type GenerationStats,
  type LanguageModel,
  type MedusaHeads,
  type MedusaModel,
  type SingleOptions,
  type TraceStep,
} from "../src/index.js";
import { cpuFeatures, cpuModel } from "../src/runtime/cpu.js";
import { interleaved, listFlag, pairedRatio, report, type Timing, textsByKind } from "./harness.js";
import { draftOf, draftWithHeads, eagleOf, headsOf, type Size, targetOf } from "./models.js";

const ROUNDS = 3;
const NEW_TOKENS = 64;
const PER_KIND = 2;
const BATCH = 4;
/** A speed-up below this is none. */
const WORTH = 1.05;
const KINDS = ["story", "continuation", "math", "copy"];

interface Case {
  method: string;
  options: SingleOptions;
}

const prompts = textsByKind(BATCH);
const temperature = Number(listFlag("temperature", ["0"])[0]);
const common: SingleOptions = { temperature, seed: 1, maxNewTokens: NEW_TOKENS, ignoreEos: true };
/** Beginnings of names of cases; all when empty. Plain decoding is always among them. */
const only = listFlag("methods", []);
const details: unknown[] = [];
const tables: string[] = [];

for (const size of listFlag("size", ["embedded", "135M", "500M"]).filter((name) => name !== "none") as Size[])
  await measure(size, await targetOf(size, "q8"), true);
for (const directory of listFlag("model", [])) {
  if (existsSync(directory))
    await measure(directory, await AutoModelForCausalLM.fromPretrained(directory, { contextLength: 1024 }), false);
}
const markdown = process.argv.indexOf("--markdown");
if (markdown > 0) writeFileSync(process.argv[markdown + 1], `${tables.join("\n")}\n`);

async function measure(name: string, target: LanguageModel, embedded: boolean): Promise<void> {
  const draft = await draftOf("fp32");
  const drafting = embedded ? await draftWithHeads("fp32") : undefined;
  const heads = drafting && { medusa: await headsOf(target), eagle: await eagleOf(target) };
  const all = drafting ? [...free(), ...headed(heads!), ...assisted(draft, drafting)] : [...free(), ...foreign(draft)];
  const cases =
    only.length === 0
      ? all
      : all.filter(({ method }) => only.some((name) => method.startsWith(name)) || method === "plain");
  const before = await target.measureCost({ past: 64 });
  const seen = new Map<string, { stats: GenerationStats[]; steps: TraceStep[] }>();
  const key = (method: string, kind: string) => `${method}: ${kind}`;
  const variants = KINDS.flatMap((kind) => {
    const own = prompts.get(kind)!;
    const single = cases.map(({ method, options }) => ({
      name: key(method, kind),
      run: async () => {
        const found = { stats: [] as GenerationStats[], steps: [] as TraceStep[] };
        const trace = (step: TraceStep) => found.steps.push(step);
        for (const prompt of own.slice(0, PER_KIND)) {
          found.stats.push((await target.generate(prompt, { ...common, ...options, trace })).stats);
        }
        seen.set(key(method, kind), found);
      },
    }));
    const options = { ...common, speculation: { method: "none" } };
    const run = async () => void (await target.generate(own, options));
    return [...single, { name: key("batch", kind), run }];
  });
  const timings = await interleaved(variants, ROUNDS);
  // The machine's speed drifts: what a pass costs is the mean of before and after.
  const after = await target.measureCost({ past: 64 });
  const cost = (n: number) => (before.at(n) + after.at(n)) / 2;
  const timing = (method: string, kind: string) => timings.find((t) => t.name === key(method, kind))!;
  const rows = [["method", ...KINDS]];
  for (const { method } of cases) {
    const row = [method];
    for (const kind of KINDS) {
      const { stats, steps } = seen.get(key(method, kind))!;
      const tokens = sum(stats.map((s) => s.newTokens));
      const prefill = sum(stats.map((s) => s.prefillMs));
      const ideal = (prefill + tokens * cost(1)) / (prefill + sum(steps.map((step) => cost(step.rows))));
      const speedUp = pairedRatio(timing("plain", kind), timing(method, kind));
      const tokensPerPass = tokens / sum(stats.map((s) => s.targetPasses));
      row.push(method === "plain" ? "1.00" : `${tokensPerPass.toFixed(2)}: ${worth(speedUp)} of ${ideal.toFixed(2)}`);
      details.push({ name, method, kind, tokensPerPass, speedUp, ideal, timing: timing(method, kind) });
    }
    rows.push(row);
  }
  const batched = KINDS.map((kind) => worth(scaled(timing("plain", kind), timing("batch", kind))));
  rows.push([`${BATCH} prompts a pass, plain`, ...batched]);
  const t = [1, 2, 4, 8, 16].map((n) => `${n}: ${cost(n).toFixed(2)}`).join(", ");
  const title = `${name}, ${target.dtype}, temperature ${temperature}; ms of a pass by rows: ${t}`;
  report(title, rows, details);
  tables.push(`**${title}** (${cpuModel()}: ${cpuFeatures().join(" ")})\n`, markdownTable(rows));
  await target.dispose();
  heads?.medusa.dispose();
  await heads?.eagle.dispose();
  drafting?.heads.dispose();
  await drafting?.base.dispose();
  await draft.dispose();
}

function way(method: string, speculation: Record<string, unknown>, rest: SingleOptions = {}): Case {
  return { method, options: { ...rest, speculation } };
}

/** Methods that need nothing but the target. */
function free(): Case[] {
  return [
    way("plain", { method: "none" }),
    way("lookahead", { method: "lookahead" }),
    way("lookahead, adaptive", { method: "lookahead", adaptive: true }),
    way("ngram", { method: "ngram" }),
    way("suffix", { method: "suffix" }),
    way("recycling", { method: "recycling" }),
    way("merged: suffix, recycling", { method: "merged", drafters: ["suffix", "recycling"], mergedNodes: 8 }),
    way("layer-skip", { method: "layer-skip" }),
  ];
}

interface Heads {
  medusa: MedusaHeads;
  eagle: EagleHeads;
}

/** With heads that were trained on the target's own answers. */
function headed({ medusa, eagle }: Heads): Case[] {
  return [
    way("medusa", { method: "medusa", heads: medusa }),
    way("eagle K=3", { method: "eagle", heads: eagle, numSpeculativeTokens: 3 }),
    way("eagle tree", { method: "eagle", heads: eagle, treeNodes: 8 }),
    way("merged: medusa, ngram", { method: "merged", drafters: ["medusa", "ngram"], heads: medusa }),
    way("merged: eagle, ngram", { method: "merged", drafters: ["eagle", "ngram"], heads: eagle }),
  ];
}

function assisted(draft: LanguageModel, drafting: MedusaModel): Case[] {
  const model = { assistantModel: draft };
  return [
    way("draft K=3", { method: "draft", numSpeculativeTokens: 3 }, model),
    way("draft K=4", { method: "draft" }, model),
    way("draft tree", { method: "draft", treeWidths: [2, 1, 1] }, model),
    way("draft-medusa", { method: "draft-medusa" }, { assistantModel: drafting }),
    way("merged: draft, ngram", { method: "merged" }, model),
  ];
}

/** For targets of another family the embedded draft has another tokenizer. */
function foreign(draft: LanguageModel): Case[] {
  const model = { assistantModel: draft };
  return [
    way("universal, shared", { method: "universal", alignment: "shared" }, model),
    way("universal, text", { method: "universal", alignment: "text" }, model),
  ];
}

/** The speed-up, and in words where there is none. */
function worth(speedUp: number): string {
  return speedUp < WORTH ? `${speedUp.toFixed(2)}x (no)` : `${speedUp.toFixed(2)}x`;
}

function markdownTable([head, ...rows]: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return `${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n`;
}

/** Plain decoding one prompt after the other against all in one pass, for as many prompts. */
function scaled(plain: Timing, batch: Timing): number {
  return (pairedRatio(plain, batch) * BATCH) / PER_KIND;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
