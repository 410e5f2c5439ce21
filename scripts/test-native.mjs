// Builds the tests in native/test with AddressSanitizer and UBSan and runs them with every kind of kernels that this CPU has.
//   npm run test:native [-- SHAPES]       (needs a C compiler: CC, else cc)
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const KERNELS = ["plain", "avx2", "avx-vnni", "avx512-vnni", "neon"];
/** What a test program answers where the CPU cannot run the kernels that it should. */
const CANNOT_RUN = 2;

const root = join(dirname(fileURLToPath(import.meta.url)), "../native");
const folder = mkdtempSync(join(tmpdir(), "foretoken-native-test-"));
const flags =
  "-std=c11 -O1 -g -ffp-contract=off -fsanitize=address,undefined -fno-sanitize-recover=all -Wall -Wextra -Werror";
const sources = readdirSync(join(root, "src")).filter((name) => name.endsWith(".c"));
const tests = readdirSync(join(root, "test")).filter((name) => name.endsWith(".c"));
try {
  for (const test of tests) {
    const program = join(folder, test.replace(".c", ""));
    const files = [...sources.map((name) => join(root, "src", name)), join(root, "test", test)];
    const built = spawnSync(process.env.CC ?? "cc", [...flags.split(" "), ...files, "-lm", "-o", program], {
      stdio: "inherit",
    });
    if (built.status !== 0) throw new Error(`${test} does not compile`);
    for (const kernels of KERNELS) {
      const options = { stdio: ["ignore", "inherit", "pipe"], env: { ...process.env, FORETOKEN_KERNELS: kernels } };
      const { status, stderr } = spawnSync(program, process.argv.slice(2), options);
      if (status === CANNOT_RUN) console.log(`${test}: kernels ${kernels} do not run here`);
      else if (status !== 0) throw new Error(`${test}, kernels ${kernels}: ${stderr}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
