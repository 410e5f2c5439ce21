// Builds dist/ after `npm ci` in a clone. Where development dependencies were left out (npm ci --omit=dev) there is no
// compiler here: npm then fetches the one that package.json names, for this build only, which skips the checks of types.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
const npm = process.env.npm_execpath;
const project = ["-p", "tsconfig.build.json"];

if (existsSync(compiler)) {
  process.exitCode = run([compiler, ...project]);
} else if (!existsSync(join(root, "dist", "index.js"))) {
  const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const fetched = ["exec", "--yes", `--package=typescript@${devDependencies.typescript}`, "--", "tsc"];
  const failed = npm ? run([npm, ...fetched, ...project, "--noCheck", "--types", "null"]) : 1;
  if (failed) {
    console.error(
      "foretoken: no compiler here and none to fetch: dist/ is not built. Run npm ci, or copy a built dist/.",
    );
  }
}

function run(args) {
  return spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status ?? 1;
}
