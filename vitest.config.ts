import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { defineConfig } from "vitest/config";

const METHODS = "test/conformance/methods/*.test.ts";
const UNITS = "test/unit/**/*.test.ts";
/** Two files run at a time: with a thread each they keep two cores busy, and threads do not wait for threads. */
const ONE_THREAD = { FORETOKEN_THREADS: "1" };
const ONE_THREAD_ALWAYS = ["conformance/*", "training/*", "generation/*", "models/*"].map(
  (files) => `test/${files}.test.ts`,
);
/** What takes as many threads as users do in the full tier. */
const AS_USERS_DO = process.env.FORETOKEN_FULL ? {} : ONE_THREAD;
const OTHERS = ["test/real/**", METHODS, UNITS, ...ONE_THREAD_ALWAYS];

/** Files that look at the same in the full tier: `npm test` has run them. FORETOKEN_FULL=2 runs all. */
const ALIKE = process.env.FORETOKEN_FULL === "1" ? testFiles().filter((file) => !looksAtMore(file)) : [];

function testFiles(): string[] {
  const files = readdirSync("test", { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith(".test.ts")).map((file) => `test/${file.replaceAll("\\", "/")}`);
}

/** Through test/support/tier.ts, itself or by the conformance suite or the command line's helpers. */
function looksAtMore(file: string): boolean {
  return file.startsWith("test/conformance/") || /support\/(tier|cli)\.js"/.test(readFileSync(file, "utf8"));
}

/** What tests import from src/ comes from dist/, which Node loads as it is: `npm test` has just built it. */
const builtSources = {
  name: "built sources",
  enforce: "pre" as const,
  resolveId(source: string, importer?: string) {
    if (importer === undefined || !source.startsWith(".")) return undefined;
    const path = relative("src", resolve(dirname(importer), source));
    return path.startsWith("..") ? undefined : join(import.meta.dirname, "dist", path);
  },
};

/** `vitest run --mode built`. (What a project inherits is made without the mode.) */
const BUILT = process.argv.includes("built");

export default defineConfig({
  plugins: BUILT ? [builtSources] : [],
  test: {
    pool: "forks",
    setupFiles: ["test/support/set-up.ts"],
    server: { deps: { external: [/\/dist\//] } },
    maxWorkers: 2,
    // The full tier looks at ten times as much in a test.
    testTimeout: process.env.FORETOKEN_FULL ? 600_000 : 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: "all",
          include: ["test/**/*.test.ts"],
          exclude: [...OTHERS, ...ALIKE],
          env: AS_USERS_DO,
          isolate: false,
        },
      },
      // Tests of parts leave nothing behind: the modules are loaded once for all their files.
      { extends: true, test: { name: "units", include: [UNITS], exclude: ALIKE, env: AS_USERS_DO, isolate: false } },
      {
        extends: true,
        test: { name: "one thread", include: ONE_THREAD_ALWAYS, exclude: ALIKE, env: ONE_THREAD, isolate: false },
      },
      // Methods are compared with the same plain texts of the same models: these files share them.
      {
        extends: true,
        test: { name: "methods", include: [METHODS], isolate: false, env: ONE_THREAD },
      },
    ],
  },
});
