import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/real/**"],
    pool: "forks",
    maxWorkers: 2,
    // The full tier looks at ten times as much in a test.
    testTimeout: process.env.FORETOKEN_FULL ? 600_000 : 120_000,
    hookTimeout: 120_000,
  },
});
