// Builds the tests in native/test with AddressSanitizer and UBSan and runs them with every kind of kernels that this CPU has;
// then, where zig is there, without sanitizers for 64-bit ARM under QEMU and for Windows under Wine.
//   npm run test:native [-- SHAPES]       (needs a C compiler: CC, else cc)
//   ZIG="python3 -m ziglang" npm run test:native      (apt-get install qemu-user wine64; pip install ziglang==0.17.1)
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const KERNELS = ["plain", "avx2", "avx-vnni", "avx512-vnni", "neon"];
const WARNINGS = "-std=c11 -ffp-contract=off -Wall -Wextra -Werror".split(" ");
const SANITIZERS = "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all".split(" ");
const EMULATOR = "qemu-aarch64";
const WINE = process.env.WINE ?? "wine";
/** Emulated, a shape takes as long as a hundred. */
const EMULATED_SHAPES = 40;
/** What a test program answers where the CPU cannot run the kernels that it should. */
const CANNOT_RUN = 2;

const root = join(dirname(fileURLToPath(import.meta.url)), "../native");
const folder = mkdtempSync(join(tmpdir(), "foretoken-native-test-"));
const sources = readdirSync(join(root, "src")).filter((name) => name.endsWith(".c"));
const tests = readdirSync(join(root, "test")).filter((name) => name.endsWith(".c"));
const zig = (process.env.ZIG ?? "zig").split(" ");
const shapes = process.argv.slice(2);
try {
  for (const test of tests) {
    const program = build(test, [process.env.CC ?? "cc"], SANITIZERS);
    for (const kernels of KERNELS) run(test, kernels, [program, ...shapes]);
  }
  if (!runs(EMULATOR, "--version") || !runs(...zig, "version")) {
    console.log(`64-bit ARM: not tested, there is no ${EMULATOR} or no zig`);
  } else {
    for (const test of tests) {
      const program = build(test, [...zig, "cc", "-target", "aarch64-linux-musl"], ["-O3", "-static"]);
      for (const kernels of ["plain", "neon"]) run(test, kernels, [EMULATOR, program, String(EMULATED_SHAPES)]);
    }
  }
  if (!runs(WINE, "--version") || !runs(...zig, "version")) {
    console.log(`Windows: not tested, there is no ${WINE} or no zig`);
  } else {
    for (const test of tests) {
      const program = build(test, [...zig, "cc", "-target", "x86_64-windows-gnu"], ["-O3"]);
      for (const kernels of KERNELS) run(test, kernels, [WINE, program, ...shapes]);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}

function build(test, [compiler, ...words], flags) {
  const program = join(folder, test.replace(".c", ".exe"));
  const files = [...sources.map((name) => join(root, "src", name)), join(root, "test", test)];
  const { status } = spawnSync(compiler, [...words, ...WARNINGS, ...flags, ...files, "-lm", "-o", program], {
    stdio: "inherit",
  });
  if (status !== 0) throw new Error(`${test} does not compile`);
  return program;
}

function run(test, kernels, [command, ...words]) {
  const options = {
    stdio: ["ignore", "inherit", "pipe"],
    env: { ...process.env, FORETOKEN_KERNELS: kernels, WINEDEBUG: "-all" },
  };
  const { status, stderr } = spawnSync(command, words, options);
  if (status === CANNOT_RUN) console.log(`${test}: kernels ${kernels} do not run here`);
  else if (status !== 0) throw new Error(`${test}, kernels ${kernels}: ${stderr}`);
}

function runs(command, ...words) {
  return spawnSync(command, words, { stdio: "ignore" }).status === 0;
}
