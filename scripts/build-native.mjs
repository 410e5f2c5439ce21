// Builds the operators in native/ for all platforms into prebuilds/, or with --check compares what it builds with what lies
// there. Needs zig 0.17.1 as a C compiler for every platform: `pip install ziglang==0.17.1`, then
//   ZIG="python3 -m ziglang" npm run build:native [-- --check]
// The same compiler gives the same bytes. The first build for Windows takes minutes: zig compiles its C library.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ZIG_VERSION = "0.17.1";
/** glibc 2.17 is in every distribution since 2014. */
const TARGETS = {
  "linux-x64/foretoken_ops.so": "x86_64-linux-gnu.2.17",
  "linux-arm64/foretoken_ops.so": "aarch64-linux-gnu.2.17",
  "darwin-arm64/foretoken_ops.dylib": "aarch64-macos",
  "win32-x64/foretoken_ops.dll": "x86_64-windows-gnu",
};
/** No contraction: what is fused is fused in the source, so that all compilers round alike. */
const FLAGS = "-std=c11 -O3 -ffp-contract=off -fvisibility=hidden -shared -s -Wall -Wextra -Werror".split(" ");

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [zig, ...zigArguments] = (process.env.ZIG ?? "zig").split(" ");
const check = process.argv.includes("--check");

const version = run("version").trim();
if (version !== ZIG_VERSION) fail(`zig ${version} would give other bytes, expected ${ZIG_VERSION}`);
const sources = readdirSync(join(root, "native/src")).filter((name) => name.endsWith(".c"));
const folder = mkdtempSync(join(tmpdir(), "foretoken-native-"));
const sums = {};
try {
  for (const [file, target] of Object.entries(TARGETS)) {
    const built = join(folder, file);
    mkdirSync(dirname(built), { recursive: true });
    // Else the library would name the folder that it was built in.
    const naming = target.endsWith("macos") ? [`-Wl,-install_name,@rpath/${basename(file)}`] : [];
    run(
      "cc",
      "-target",
      target,
      ...FLAGS,
      ...naming,
      ...sources.sort(),
      "-lm",
      ...(target.includes("linux") ? ["-ldl", "-lpthread"] : []),
      "-o",
      built,
    );
    const bytes = readFileSync(built);
    sums[file] = createHash("sha256").update(bytes).digest("hex");
    const kept = join(root, "prebuilds", file);
    if (check && !readFileSync(kept).equals(bytes))
      fail(`prebuilds/${file} is not what native/ gives: npm run build:native`);
    if (!check) {
      mkdirSync(dirname(kept), { recursive: true });
      writeFileSync(kept, bytes);
    }
    console.log(`${file}: ${bytes.length} bytes, ${sums[file]}`);
  }
  if (!check) writeFileSync(join(root, "prebuilds/checksums.json"), `${JSON.stringify(sums, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}

/** Runs zig among the sources: paths in what it builds are then the same everywhere. */
function run(...words) {
  const options = { cwd: join(root, "native/src"), encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] };
  const { status, stdout, error } = spawnSync(zig, [...zigArguments, ...words], options);
  if (error)
    fail(`there is no zig to run (${error.code}): pip install ziglang==${ZIG_VERSION}, ZIG="python3 -m ziglang"`);
  if (status !== 0) fail(`zig ${words[0]} failed`);
  return stdout;
}

function fail(message) {
  console.error(`build-native: ${message}`);
  process.exit(1);
}
