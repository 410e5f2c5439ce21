import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { DRAFT, temporaryFolder } from "../support/models.js";
import { tier } from "../support/tier.js";

/** ONNX Runtime's library for Linux reports to its maker unless told not to: see src/runtime/privacy.ts. */

/** The first report goes out ten seconds after the library has been loaded: only the full tier waits for it. */
const WATCHED_MS = tier(20_000, 1_000);

/** Generates, then looks at its own sockets for a while: prints the kinds of those that are not local. */
const GENERATE = `
  const fs = await import("node:fs");
  const seen = new Set();
  const sockets = () => fs.readdirSync("/proc/self/fd").map((fd) => {
    try { return fs.readlinkSync("/proc/self/fd/" + fd).match(/socket:.(\\d+)/)?.[1]; } catch {}
  }).filter(Boolean);
  const onLinux = process.platform === "linux";
  const own = onLinux ? sockets() : [];
  const look = () => {
    const open = sockets().filter((inode) => !own.includes(inode));
    if (open.length === 0) return;
    for (const kind of ["tcp", "tcp6", "udp", "udp6"]) {
      const inodes = fs.readFileSync("/proc/self/net/" + kind, "utf8").split("\\n").map((line) => line.trim().split(/\\s+/)[9]);
      if (open.some((inode) => inodes.includes(inode))) seen.add(kind);
    }
  };
  const watch = onLinux ? setInterval(look, 5) : undefined;
  const { AutoModelForCausalLM } = await import(${JSON.stringify(pathToFileURL(resolve("dist/index.js")).href)});
  const model = await AutoModelForCausalLM.fromPretrained(${JSON.stringify(resolve(DRAFT))});
  const { tokenIds } = await model.generate([5, 6, 7], { maxNewTokens: 8, ignoreEos: true });
  await new Promise((done) => setTimeout(done, ${WATCHED_MS}));
  await model.dispose();
  clearInterval(watch);
  fs.writeSync(1, JSON.stringify({ tokens: tokenIds.length, sockets: [...seen] }));
`;
/** process.env of a worker is a copy: what it sets does not reach native code. */
const IN_WORKER = `
  const { Worker } = await import("node:worker_threads");
  new Worker(${JSON.stringify(`(async () => {${GENERATE}})();`)}, { eval: true });
`;

test.each([
  ["the main thread", GENERATE],
  ["a worker thread", IN_WORKER],
])("a generation in %s calls nobody and writes nothing outside its cache", (_, script) => {
  const root = realpathSync(temporaryFolder());
  for (const folder of ["home", "work", "temporary"]) mkdirSync(join(root, folder));
  const found = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: join(root, "work"),
    env: {
      PATH: process.env.PATH,
      HOME: join(root, "home"),
      TMPDIR: join(root, "temporary"),
      FORETOKEN_CACHE: join(root, "cache"),
    },
  });
  expect(JSON.parse(found.toString())).toEqual({ tokens: 8, sockets: [] });
  const outside = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !path.startsWith("cache"));
  expect(outside).toEqual([]);
});
