import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cacheDirectory } from "../../../src/conversion/cache-directory.js";

const before = { ...process.env };
beforeEach(() => {
  delete process.env.FORETOKEN_CACHE;
  delete process.env.XDG_CACHE_HOME;
});
afterEach(() => {
  for (const name of ["FORETOKEN_CACHE", "XDG_CACHE_HOME", "HOME"]) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
});

test("FORETOKEN_CACHE, also relative to the working directory", () => {
  process.env.FORETOKEN_CACHE = "some/where";
  expect(cacheDirectory()).toBe(resolve("some/where"));
});

test.runIf(process.platform === "linux")("the XDG folder; an empty or relative one counts as none", () => {
  process.env.XDG_CACHE_HOME = "/var/tmp/xdg";
  expect(cacheDirectory()).toBe("/var/tmp/xdg/foretoken");
  for (const none of ["", "relative/path"]) {
    process.env.XDG_CACHE_HOME = none;
    process.env.FORETOKEN_CACHE = "";
    expect(cacheDirectory()).toBe(join(homedir(), ".cache", "foretoken"));
  }
});

test.runIf(process.platform === "linux")("no home is an error that says what to do", () => {
  for (const none of ["", "relative"]) {
    process.env.HOME = none;
    expect(() => cacheDirectory()).toThrow(/no home directory.*set FORETOKEN_CACHE/);
  }
});
