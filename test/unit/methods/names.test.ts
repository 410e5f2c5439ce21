import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { methods } from "../../../src/index.js";

/** A method has one name: who knows it finds its folder, its page and its test, and none is forgotten. */
const names = methods.all.map(({ name }) => name);

test.each(names)("%s has its file, its page and its conformance test", (name) => {
  const found = [`src/methods/${name}/${name}.ts`, `docs/methods/${name}.md`].filter((file) => !existsSync(file));
  expect(found, "files that are missing").toEqual([]);
  const suite = `test/conformance/methods/${name}.test.ts`;
  expect(existsSync(suite), suite).toBe(true);
  expect(readFileSync(suite, "utf8")).toMatch(new RegExp(`\\bconformance\\(\\s*"${name}"`));
  expect(readFileSync("docs/methods/README.md", "utf8")).toContain(`[${name}.md](${name}.md)`);
});

test("every conformance test is of a registered method", () => {
  const tested = readdirSync("test/conformance/methods").map((file) => file.replace(".test.ts", ""));
  expect(tested.sort()).toEqual([...names].sort());
});
