import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { foretoken } from "../support/cli.js";
import { copyConverted, DRAFT, temporaryFolder } from "../support/models.js";
import { some, tier } from "../support/tier.js";

/** Places where the cache cannot be, and places that are too small for it. */
const ARGUMENTS = ["generate", "-n", "4", "--method", "none", "-m", DRAFT, "Once"];

async function failure(env: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await foretoken(ARGUMENTS, { env });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr.trim().split("\n")).toHaveLength(1);
  return stderr;
}

test.each([
  ["a file", (path: string) => writeFileSync(path, "")],
  ["a loop of links", (path: string) => symlinkSync(path, path)],
  ["a link to nowhere", (path: string) => symlinkSync("/nowhere/at/all", path)],
])("a cache that is %s is an error of one line", async (_, make) => {
  const path = join(temporaryFolder(), "cache");
  make(path);
  expect(await failure({ FORETOKEN_CACHE: path })).toMatch(
    /^foretoken: cannot use the model cache in .*cache.models \(E[A-Z]+\): set FORETOKEN_CACHE to a folder you can write\n$/,
  );
});

test.skipIf(process.platform !== "linux")(
  "so is one where no folder can be made though its parent is there",
  async () => {
    expect(await failure({ FORETOKEN_CACHE: "/proc/foretoken" })).toContain("(ENOENT): set FORETOKEN_CACHE");
  },
);

test.skipIf(process.getuid?.() === 0 || process.platform === "win32")("so is one that is not ours", async () => {
  const path = temporaryFolder();
  chmodSync(path, 0o500);
  expect(await failure({ FORETOKEN_CACHE: path })).toContain("(EACCES): set FORETOKEN_CACHE");
});

describe.skipIf(process.platform === "win32")("limits of file size", () => {
  let sizes: number[];
  beforeAll(async () => {
    const cache = temporaryFolder();
    const before = process.env.FORETOKEN_CACHE;
    process.env.FORETOKEN_CACHE = cache;
    await copyConverted(DRAFT);
    process.env.FORETOKEN_CACHE = before;
    const folder = join(cache, "models", readdirSync(join(cache, "models"))[0]);
    const file = readdirSync(folder).find((name) => name.endsWith(".bin"))!;
    const packed = statSync(join(folder, file)).size;
    // Where packed models' raw weights end, where ONNX Runtime's copy does, and in the last page of the file.
    sizes = [0, packed >> 2, packed >> 1, packed - 8192, packed - 1024].map((bytes) => bytes >> 10);
  });

  test.each(some([0, 1, 2, 3, 4], 2))("a write that is cut short is an error, and nothing is kept (%i)", async (i) => {
    const cache = temporaryFolder();
    const command = `ulimit -f ${sizes[i]}; exec "$0" bin/foretoken.js "$@"`;
    const run = promisify(execFile)("bash", ["-c", command, process.execPath, ...ARGUMENTS], {
      env: { ...process.env, FORETOKEN_CACHE: cache },
    });
    const { stderr } = await run.then(
      () => ({ stderr: "no error" }),
      (error) => error as { stderr: string },
    );
    expect(stderr).toMatch(/^foretoken: [^\n]+\n$/);
    expect(stderr).toMatch(/is full \(EFBIG\)|check the disk/);
    expect(existsSync(join(cache, "models")) ? readdirSync(join(cache, "models")) : []).toEqual([]);
    if (tier(true, i === 0)) {
      expect((await foretoken(ARGUMENTS, { env: { FORETOKEN_CACHE: cache } })).code).toBe(0);
    }
  });
});

test("a cache whose folder is not there yet is made", async () => {
  const cache = join(temporaryFolder(), "a", "b");
  mkdirSync(join(cache, ".."));
  expect((await foretoken(ARGUMENTS, { env: { FORETOKEN_CACHE: cache } })).code).toBe(0);
  expect(readdirSync(join(cache, "models"))).toHaveLength(1);
});
