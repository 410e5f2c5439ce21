import { defineConfig } from "vitest/config";

const METHODS = "test/conformance/methods/*.test.ts";

export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    // The full tier looks at ten times as much in a test.
    testTimeout: process.env.FORETOKEN_FULL ? 600_000 : 120_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: "all", include: ["test/**/*.test.ts"], exclude: ["test/real/**", METHODS] } },
      // Methods are compared with the same plain texts of the same models: these files share them.
      { extends: true, test: { name: "methods", include: [METHODS], isolate: false } },
    ],
  },
});
