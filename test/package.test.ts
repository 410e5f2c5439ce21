import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "./support/models.js";
import { some, tier } from "./support/tier.js";

/** The package as others get it: packed, and put into a project of theirs. */
const FULL = tier(true, false);
/** Installing takes minutes: with other versions of npm too only when asked for (FORETOKEN_FULL=2). */
const NPMS = process.env.FORETOKEN_FULL === "2" ? ["npm@11", "npm@10"] : ["npm@11"];

const run = promisify(execFile);
/** Runs a command in a folder; its output, or its errors. */
async function output(folder: string, command: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, NODE_OPTIONS: "" };
  const done = await run(command, args, { cwd: folder, env }).catch(
    (error) => error as { stdout: string; stderr: string },
  );
  return done.stdout + done.stderr;
}

const GENERATE = `
  const lm = await AutoModelForCausalLM.fromPretrained("node_modules/foretoken/models/draft");
  const { tokenIds } = await lm.generate("Once upon a time", { maxNewTokens: 4, ignoreEos: true });
  await lm.dispose();
  console.log("tokens:", tokenIds.length);
`;

/** What a project of theirs does with it. */
function works(project: () => string): void {
  test("ES modules import it", async () => {
    writeFileSync(join(project(), "esm.mjs"), `import { AutoModelForCausalLM } from "foretoken";${GENERATE}`);
    expect(await output(project(), process.execPath, "esm.mjs")).toBe("tokens: 4\n");
  });

  test("CommonJS requires it", async () => {
    const script = `const { AutoModelForCausalLM } = require("foretoken");(async () => {${GENERATE}})();`;
    writeFileSync(join(project(), "common.cjs"), script);
    const printed = await output(project(), process.execPath, "common.cjs");
    expect(printed.replace(/\(node:.*\n|\(Use `node.*\n/g, "")).toBe("tokens: 4\n");
  });

  test.each(some(["es2022", "es2022,dom"], 1))(
    "strict TypeScript reads its declarations, with lib %s and no others",
    async (lib) => {
      const script = `import { AutoModelForCausalLM, type SingleOptions } from "foretoken";
      const options: SingleOptions = { maxNewTokens: 4, stopStrings: ["."] };
      export const text: Promise<string> = AutoModelForCausalLM.fromPretrained("model").then(async (lm) => {
        for await (const event of lm.stream("Once", options)) void event;
        return (await lm.generate("Once", options)).text;
      });`;
      writeFileSync(join(project(), "typed.mts"), script);
      const flags = [
        "--strict",
        "--exactOptionalPropertyTypes",
        "--noUncheckedIndexedAccess",
        "--skipLibCheck",
        "false",
      ];
      const how = [
        "--ignoreConfig",
        "--noEmit",
        "--module",
        "nodenext",
        "--target",
        "es2022",
        "--lib",
        lib,
        "--types",
        "null",
      ];
      const compiler = resolve("node_modules/typescript/bin/tsc");
      expect(await output(project(), process.execPath, compiler, ...how, ...flags, "typed.mts")).toBe("");
    },
  );
}

let tarball: string;
beforeAll(async () => {
  const folder = temporaryFolder();
  const printed = await output(".", "npm", "pack", "--ignore-scripts", "--pack-destination", folder);
  expect(readdirSync(folder), printed).toHaveLength(1);
  tarball = join(folder, readdirSync(folder)[0]);
});

describe("unpacked beside its dependencies", () => {
  let project: string;
  beforeAll(async () => {
    project = temporaryFolder();
    const unpacked = join(project, "node_modules", "foretoken");
    mkdirSync(unpacked, { recursive: true });
    await run("tar", ["xf", tarball, "--strip-components=1", "-C", unpacked]);
    const { dependencies } = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8"));
    for (const name of Object.keys(dependencies)) {
      mkdirSync(dirname(join(project, "node_modules", name)), { recursive: true });
      symlinkSync(resolve("node_modules", name), join(project, "node_modules", name));
    }
  });

  works(() => project);

  test("it holds what it needs and nothing else", async () => {
    const { stdout } = await run("tar", ["tf", tarball]);
    const places = stdout
      .trim()
      .split("\n")
      .map((path) => path.split("/").slice(1, 2).join());
    expect([...new Set(places)].sort()).toEqual(
      ["LICENSE", "README.md", "bin", "dist", "models", "package.json", "prebuilds", "scripts"].sort(),
    );
  });
});

test("the lock file lets no install script run in a clone: npm knows them only by this mark", () => {
  // npm install may set it again: onnxruntime-node's script downloads CUDA libraries, koffi's checks for a compiler.
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const marked = Object.keys(packages).filter((path) => path !== "" && packages[path].hasInstallScript);
  expect(marked).toEqual([]);
});

/** With packages from the registry: npm's install scripts run as they do for others. */
describe.runIf(FULL)("installed", () => {
  describe.each(NPMS)("by %s", (npm) => {
    let project: string;
    let installed: string;
    beforeAll(async () => {
      project = temporaryFolder();
      writeFileSync(join(project, "package.json"), JSON.stringify({ name: "theirs", private: true }));
      installed = await output(project, "npx", "--yes", npm, "install", tarball);
    }, 300_000);

    test("from the tarball, without the network beyond the registry", () => {
      expect(installed).toMatch(/added \d+ packages/);
      expect(installed).not.toContain("npm error");
    });

    works(() => project);

    test("in a clone without development dependencies: it builds, runs, and says nothing odd", async () => {
      const clone = join(temporaryFolder(), "clone");
      await run("git", ["clone", "-q", ".", clone]);
      expect(await output(clone, "npx", "--yes", npm, "ci", "--omit=dev")).not.toMatch(/npm (warn|error)/);
      const printed = await output(clone, "npx", "--yes", npm, "start");
      expect(printed).not.toContain("npm warn");
      expect(printed).toContain("speed-up");
    }, 300_000);
  });
});

test("without dist/ the command says how to build it", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
  writeFileSync(join(folder, "bin", "foretoken.js"), readFileSync("bin/foretoken.js"));
  expect(await output(folder, process.execPath, "bin/foretoken.js", "--version")).toBe(
    "foretoken: dist/ is not built: run npm ci, which builds it, or npm run build\n",
  );
});
