/**
 * Loading a converted model from the cache: seconds, and memory by kind before and after, each size in a process of its
 * own. Mapped pages are shared with other processes and can be dropped by the system; anonymous ones cannot. Linux only.
 *
 *   npm run bench:load -- [--size embedded,135M,500M] [--dtype q8,q4,fp32] [--json FILE]
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Dtype } from "../src/index.js";
import { listFlag, report } from "./harness.js";
import { type Size, targetOf } from "./models.js";

interface Memory {
  anonymous: number;
  mapped: number;
}

interface Loaded {
  seconds: number;
  before: Memory;
  loaded: Memory;
  used: Memory;
}

/** Resident megabytes. */
function memory(): Memory {
  const status = readFileSync("/proc/self/status", "utf8");
  const of = (field: string) => Number(status.match(new RegExp(`${field}:\\s+(\\d+) kB`))?.[1]) / 1024;
  return { anonymous: of("RssAnon"), mapped: of("RssFile") };
}

async function measure(size: Size, dtype: Dtype): Promise<Loaded> {
  await import("../src/index.js");
  const before = memory();
  const start = performance.now();
  const lm = await targetOf(size, dtype);
  const seconds = (performance.now() - start) / 1000;
  const loaded = memory();
  await lm.generate("Once upon a time", { maxNewTokens: 32, ignoreEos: true });
  const used = memory();
  await lm.dispose();
  return { seconds, before, loaded, used };
}

const one = process.argv.indexOf("--one");
if (one > 0) {
  const [size, dtype] = process.argv.slice(one + 1) as [Size, Dtype];
  process.stdout.write(JSON.stringify(await measure(size, dtype)));
} else {
  const rows = [["size", "dtype", "load s", "anonymous MB: before", "loaded", "after 32 tokens", "mapped MB after"]];
  const details: unknown[] = [];
  for (const size of listFlag("size", ["embedded", "135M", "500M"]) as Size[]) {
    for (const dtype of listFlag("dtype", ["q8", "q4", "fp32"]) as Dtype[]) {
      await targetOf(size, dtype).then((lm) => lm.dispose()); // into the cache
      const child = execFileSync(process.execPath, [fileURLToPath(import.meta.url), "--one", size, dtype]);
      const found: Loaded = JSON.parse(child.toString());
      const { seconds, before, loaded, used } = found;
      const figures = [before.anonymous, loaded.anonymous, used.anonymous, used.mapped].map((mb) => mb.toFixed(0));
      rows.push([size, dtype, seconds.toFixed(2), ...figures]);
      details.push({ size, dtype, ...found });
    }
  }
  report("Loading from the cache", rows, details);
}
