import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { DRAFT, model, temporaryFolder } from "../support/models.js";

/** Counts the places where the weight file is mapped after workers have ended without dispose(). */
const PROGRAM = `
import { readFileSync } from "node:fs";
import { Worker, isMainThread, workerData } from "node:worker_threads";
const [, , library, directory] = process.argv;
if (isMainThread) {
  const counts = {};
  for (const way of ["ends", "exits"]) {
    for (let i = 0; i < 2; i++) {
      const worker = new Worker(new URL(import.meta.url), { argv: [library, directory], workerData: way });
      await new Promise((resolve, reject) => worker.once("exit", resolve).once("error", reject));
    }
    counts[way] = readFileSync("/proc/self/maps", "utf8").split(/(?:packed|weights).bin/).length - 1;
  }
  console.log(JSON.stringify(counts));
} else {
  const { AutoModelForCausalLM } = await import(library);
  const { model } = await AutoModelForCausalLM.fromPretrained(directory);
  await model.prefill(model.newSequence(), [1, 2, 3]);
  if (!/(?:packed|weights).bin/.test(readFileSync("/proc/self/maps", "utf8"))) throw new Error("nothing is mapped");
  if (workerData === "exits") process.exit(0);
}
`;

test.runIf(process.platform === "linux")("a worker that ends without dispose() gives its sessions back", async () => {
  // In the cache before: several would convert it at once.
  await model(DRAFT, "q8");
  const program = join(temporaryFolder(), "workers.mjs");
  writeFileSync(program, PROGRAM);
  const library = pathToFileURL("dist/index.js").href;
  const run = spawnSync(process.execPath, [program, library, resolve(DRAFT)], { encoding: "utf8" });
  expect(run.stderr).toBe("");
  expect(JSON.parse(run.stdout)).toEqual({ ends: 0, exits: 0 });
});
