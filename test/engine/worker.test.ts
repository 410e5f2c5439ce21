import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { nativeOperators } from "../../src/runtime/native-operators.js";
import { DRAFT, model, temporaryFolder } from "../support/models.js";

/** Counts the places where the weight file is mapped after workers have ended without dispose(). */
const PROGRAM = `
import { readFileSync } from "node:fs";
import { Worker, isMainThread, workerData } from "node:worker_threads";
const [, , library, directory] = process.argv;
if (isMainThread) {
  const counts = {};
  for (const way of JSON.parse(process.argv[4])) {
    for (let i = 0; i < 2; i++) {
      const worker = new Worker(new URL(import.meta.url), { argv: [library, directory], workerData: way });
      worker.once("message", () => worker.terminate());
      await new Promise((resolve, reject) => worker.once("exit", resolve).once("error", reject));
    }
    counts[way] = readFileSync("/proc/self/maps", "utf8").split(/(?:packed|weights).bin/).length - 1;
  }
  console.log(JSON.stringify(counts));
} else {
  const { parentPort } = await import("node:worker_threads");
  const { AutoModelForCausalLM } = await import(library);
  const { model } = await AutoModelForCausalLM.fromPretrained(directory);
  await model.prefill(model.newSequence(), [1, 2, 3]);
  if (!/(?:packed|weights).bin/.test(readFileSync("/proc/self/maps", "utf8"))) throw new Error("nothing is mapped");
  // Passes that are under way when the thread's JavaScript ends.
  const tokens = Array.from({ length: 100 }, (_, i) => i);
  const go = () => model.prefill(model.newSequence(), tokens);
  if (workerData === "exits in mid-pass") setTimeout(() => process.exit(0), 5);
  if (workerData === "is terminated") parentPort.postMessage("");
  while (workerData.startsWith("is") || workerData.endsWith("pass")) await go();
  if (workerData === "exits") process.exit(0);
}
`;

test.runIf(process.platform === "linux")("a worker that ends without dispose() gives its sessions back", async () => {
  // In the cache before: several would convert it at once.
  await model(DRAFT, "q8");
  const program = join(temporaryFolder(), "workers.mjs");
  writeFileSync(program, PROGRAM);
  const library = pathToFileURL("dist/index.js").href;
  // What is cut off in a pass is seen to by the library of native/.
  const ways = ["ends", "exits", ...(nativeOperators().path ? ["is terminated", "exits in mid-pass"] : [])];
  const run = spawnSync(process.execPath, [program, library, resolve(DRAFT), JSON.stringify(ways)], {
    encoding: "utf8",
  });
  expect(run.stderr).toBe("");
  expect(JSON.parse(run.stdout)).toEqual(Object.fromEntries(ways.map((way) => [way, 0])));
});
