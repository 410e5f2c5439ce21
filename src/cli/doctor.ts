import { readdir, stat } from "node:fs/promises";
import { availableParallelism, loadavg, totalmem } from "node:os";
import { basename, join } from "node:path";
import { type CacheVerification, verifyCache } from "../conversion/verify-cache.js";
import { type RowInvariance, rowInvariance } from "../exactness/row-invariance.js";
import { cacheDirectory, DTYPES, type Dtype, type Exactness, type LanguageModel, runtimeInfo } from "../index.js";
import { memoryBandwidth } from "../runtime/bandwidth.js";
import { cpuFeatures, cpuModel } from "../runtime/cpu.js";
import { type NativeOperators, nativeOperators } from "../runtime/native-operators.js";
import { saturationProbe } from "../runtime/probes.js";
import { escaped } from "../types/shown.js";
import type { Arguments, Command } from "./command.js";
import { exactnessWords } from "./exactness.js";
import { MODEL_FLAGS, OUTPUT_FLAGS } from "./flags.js";
import { EMBEDDED_TARGET, load, loadModels } from "./models.js";
import { byteSize, table } from "./terminal.js";

export const doctorCommand: Command = {
  name: "doctor",
  summary: "Checks this machine: CPU, exactness in every dtype, threads, cache, memory bandwidth, what a pass costs.",
  usage: "[options]",
  words: 0,
  flags: {
    model: MODEL_FLAGS.model,
    dtype: MODEL_FLAGS.dtype,
    "cache-dtype": MODEL_FLAGS["cache-dtype"],
    threads: MODEL_FLAGS.threads,
    verify: { type: "boolean", help: "read all converted models through, remove damaged ones" },
    json: OUTPUT_FLAGS.json,
  },
  examples: [
    ["foretoken doctor", "check with the embedded model"],
    ["foretoken doctor --verify", "check the cache of converted models too, block by block"],
    ["foretoken doctor -m ./SmolLM2-135M-Instruct --dtype q4", "check with a checkpoint of yours (others: embedded)"],
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  // First: loading would make a damaged model again.
  const verification = args.flags.verify ? await verifyCache() : undefined;
  const { target } = await loadModels({ ...args, flags: { ...args.flags, method: "none" } });
  const saturates = await saturationProbe();
  const exactness = [await checkRows(target)];
  const curve = await target.measureCost();
  const report = {
    cpu: { model: cpuModel(), features: cpuFeatures(), cores: availableParallelism() },
    memoryBytes: totalmem(),
    loadAverage: loadavg()[0],
    ...runtimeInfo(),
    operators: nativeOperators(),
    productsSaturate: saturates,
    exactness,
    cache: { directory: cacheDirectory(), bytes: await folderSize(cacheDirectory()), verification },
    bandwidthGBs: await memoryBandwidth(),
    dtype: target.dtype,
    cacheDtype: target.cacheDtype,
    passCost: { rows: curve.rows, ms: curve.ms, past: curve.past },
  };
  await target.dispose();
  for (const dtype of DTYPES.filter((other) => other !== target.dtype)) {
    await using model = await load(EMBEDDED_TARGET, { dtype });
    exactness.push(await checkRows(model));
  }
  process.stdout.write(args.flags.json ? `${JSON.stringify(report)}\n` : describe(report));
  if (exactness[0].level !== "bit-exact" || verification?.damaged.length) process.exitCode = 1;
}

/** What was found when the model was first loaded, and what its rows are found to be now. */
type CheckedRows = Exactness & RowInvariance & { dtype: Dtype; model: string };

async function checkRows({ model, dtype, exactness, directory = "" }: LanguageModel): Promise<CheckedRows> {
  const found = await rowInvariance(model);
  const level = found.identical === found.rows ? exactness.level : "up to rounding";
  const maxDifference = Math.max(found.maxDifference, exactness.maxDifference);
  return { dtype, model: basename(directory), ...exactness, ...found, level, maxDifference };
}

type Report = Awaited<ReturnType<typeof runtimeInfo>> & {
  cpu: { model: string; features: string[]; cores: number };
  memoryBytes: number;
  loadAverage: number;
  operators: NativeOperators;
  productsSaturate: boolean;
  exactness: CheckedRows[];
  cache: { directory: string; bytes: number; verification?: CacheVerification };
  bandwidthGBs: number;
  dtype: string;
  cacheDtype: string;
  passCost: { rows: readonly number[]; ms: readonly number[]; past: number };
};

function describe(r: Report): string {
  const busy = r.loadAverage > 0.5 ? `; load ${r.loadAverage.toFixed(1)}: other work runs, figures will be off` : "";
  const facts = [
    ["cpu", `${r.cpu.model}: ${r.cpu.features.join(" ")}`],
    ["threads", `${r.threads} of ${r.cpu.cores} cores${busy}`],
    ["memory", `${byteSize(r.memoryBytes)}, read at ${r.bandwidthGBs.toFixed(1)} GB/s`],
    ["runtime", `ONNX Runtime ${r.version}, on the CPU (built with ${r.providers.join(", ")})`],
    ["operators", describeOperators(r.operators)],
    ["int8 products", describeInt8(r)],
    ...r.exactness.map((found) => [`${found.dtype} rows`, describeRows(found)]),
    ["cache", `${r.cache.directory}: ${byteSize(r.cache.bytes)}`],
    ...describeVerification(r.cache.verification),
  ];
  const costs = r.passCost.rows.map((n, i) => [
    String(n),
    r.passCost.ms[i].toFixed(2),
    (r.passCost.ms[i] / r.passCost.ms[0]).toFixed(2),
  ]);
  return `${facts.map(([name, text]) => `${name.padEnd(14)} ${escaped(text)}`).join("\n")}\n\n${table([["rows in a pass", "ms", "times one row"], ...costs])}`;
}

function describeOperators({ kernels, reason, tried }: NativeOperators): string {
  if (reason !== undefined) return `ONNX Runtime's own (${reason})`;
  return `Foretoken's own for 4- and 8-bit products and attention, with ${kernels} instructions${tried ? `, ${tried}` : ""}`;
}

function describeInt8({ productsSaturate, operators }: Report): string {
  if (operators.path !== undefined) return "Foretoken's own, exact";
  return productsSaturate ? "saturate: q8 uses unsigned weights (slower)" : "exact: q8 uses signed weights";
}

function describeRows(found: CheckedRows): string {
  const counts = `${found.identical} of ${found.rows} rows of passes are the bits of one-by-one decoding`;
  return `${exactnessWords(found)}: ${counts} (${found.model})`;
}

function describeVerification(found: CacheVerification | undefined): string[][] {
  if (!found) return [];
  const skipped = found.skipped > 0 ? `, ${found.skipped} unfinished or of other versions not looked at` : "";
  return [
    ["converted", `${found.intact} intact, ${found.damaged.length} damaged${skipped}`],
    ...found.damaged.map(({ directory, fault, removed }) => [
      "",
      `${directory} is damaged (${fault}): ${removed ? "removed, made again when next loaded" : "remove it yourself"}`,
    ]),
  ];
}

async function folderSize(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory() ? await folderSize(path) : (await stat(path)).size;
  }
  return bytes;
}
