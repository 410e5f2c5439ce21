import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { expect, test } from "vitest";

/** Folders of src/ in their order: each imports only from itself and from those before it. index.ts and cli/ come last. */
const ORDER = [
  ...["types", "files", "formats", "tokenizer", "models", "runtime", "conversion", "engine", "exactness", "sampling"],
  ...[
    "trees",
    "verification",
    "methods",
    "generation",
    "api",
    "evaluation",
    "training",
    "calibration",
    "index.ts",
    "cli",
  ],
];

const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const roomOf = (file: string) => file.split(sep)[0];
/** The files of src/ that a file imports, types included. */
const importsOf = (file: string) =>
  [...readFileSync(join("src", file), "utf8").matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]*)\.js"/g)].map(([, path]) =>
    relative("src", resolve("src", file, "..", `${path}.ts`)),
  );

test("every folder of src/ has its place", () => {
  expect([...new Set(files.map(roomOf))].sort()).toEqual([...ORDER].sort());
});

test("imports go one way", () => {
  const upward = files.flatMap((file) =>
    importsOf(file)
      .filter((imported) => ORDER.indexOf(roomOf(imported)) > ORDER.indexOf(roomOf(file)))
      .map((imported) => `${file} imports ${imported}`),
  );
  expect(upward).toEqual([]);
});
