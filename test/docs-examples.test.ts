import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import "./support/models.js";
import { tier } from "./support/tier.js";

/** Whole programs in the pages run as they stand there: blocks that import the package. */
const PAGES = [
  "README.md",
  ...readdirSync("docs", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => join("docs", file)),
].sort();

/** Why a page's programs cannot run here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "docs/methods/universal.md": "its target is SmolLM2, which is not in the repository",
};

interface Program {
  name: string;
  page: string;
  code: string;
}

const programs: Program[] = PAGES.flatMap((page) => {
  const blocks = [...readFileSync(page, "utf8").matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code);
  const whole = blocks.filter((code) => /^import .* from "foretoken";$/ms.test(code));
  return whole.map((code, i) => ({ name: whole.length > 1 ? `${page}, program ${i + 1}` : page, page, code }));
});
const here = programs.filter(({ page }) => !Object.hasOwn(ELSEWHERE, page));

/** Compiled programs lie inside the package, which they import by its name. */
const FOLDER = "build/docs";
const built = (program: Program) => `./${FOLDER}/${programs.indexOf(program)}.mjs`;
mkdirSync(FOLDER, { recursive: true });
for (const program of here) {
  const { outputText } = ts.transpileModule(program.code, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  writeFileSync(built(program), outputText);
}

const node = (script: string) =>
  execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
const running = (program: Program) => `
  try { await import(${JSON.stringify(built(program))}); }
  catch (error) { console.log("failed: " + (error.stack ?? error)); }`;

/** What each program printed. In the fast tier all run in one process, one after another. */
const printed = new Map<string, string>();
function outputOf(program: Program): string {
  if (tier(true, false)) return node(running(program));
  if (printed.size === 0) {
    const parts = node(here.map((each) => `console.log("\\0");${running(each)}`).join("\n"))
      .split("\0\n")
      .slice(1);
    for (const [i, { name }] of here.entries()) printed.set(name, parts[i]);
  }
  return printed.get(program.name)!;
}

test("pages have programs", () => {
  expect(here.length).toBeGreaterThan(15);
});

test.for(programs)("$name runs as written", (program, { skip }) => {
  if (program.page in ELSEWHERE) skip(ELSEWHERE[program.page]);
  const output = outputOf(program);
  expect(output).not.toMatch(/^failed: /m);
  if (program.code.includes("console.log")) expect(output.trim()).not.toBe("");
});
