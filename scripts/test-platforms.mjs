// Runs the package as other platforms install it, native operators and all, where this machine can: for Windows under Wine, for
// 64-bit ARM Linux under QEMU. In every dtype each method of same-texts.mjs must give plain decoding's tokens there; whether these are this machine's is said.
//   npm run test:platforms      (Linux on x86-64; minutes, and some 400 MB from the registry for each)
//   apt-get install wine64      (WINE=/usr/lib/wine/wine64 where it is not on the PATH)
//   apt-get install qemu-user; dpkg --add-architecture arm64; apt-get update; apt-get install libstdc++6:arm64 libatomic1:arm64
import { spawnSync } from "node:child_process";
import { closeSync, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE = "20.20.2";
/** ONNX Runtime reads what kind of CPU this is; QEMU shows it the machine's own. */
const ARM_CPU = Array.from({ length: 2 }, (_, i) =>
  [
    `processor\t: ${i}`,
    "Features\t: fp asimd aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
    "CPU implementer\t: 0x41",
    "CPU architecture: 8",
    "CPU variant\t: 0x3",
    "CPU part\t: 0xd0c",
    "CPU revision\t: 1\n",
  ].join("\n"),
).join("\n");
const ARM_CPU_FILE = "cpuinfo";
const WINE = process.env.WINE ?? "wine";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const folder = mkdtempSync(join(tmpdir(), "foretoken-platforms-"));
try {
  run("npm", ["pack", "--pack-destination", folder], { cwd: root });
  const version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
  const tarball = join(folder, `foretoken-${version}.tgz`);
  const own = textsOf("linux", "x64", tarball, (node) => [node]);
  if (works(WINE, "--version")) {
    compare(
      "win32-x64",
      textsOf("win32", "x64", tarball, (node) => [WINE, `${node}.exe`]),
      own,
    );
  } else console.log(`win32-x64: not tested, there is no ${WINE}`);
  if (works("qemu-aarch64", "--version")) {
    writeFileSync(join(folder, ARM_CPU_FILE), ARM_CPU);
    // In a mount namespace of its own, which takes the rights of root.
    const script = `mount --bind ${join(folder, ARM_CPU_FILE)} /proc/cpuinfo && exec qemu-aarch64 -cpu neoverse-n1 "$@"`;
    const emulated = (node) => ["unshare", "-m", "sh", "-c", script, "sh", node];
    compare("linux-arm64", textsOf("linux", "arm64", tarball, emulated), own);
  } else console.log("linux-arm64: not tested, there is no qemu-aarch64");
} finally {
  rmSync(folder, { recursive: true });
}

/** What same-texts.mjs finds there. @throws Error where a method's differ from plain decoding's, or the operators do not run */
function textsOf(os, cpu, tarball, commandOf) {
  const platform = `${os}-${cpu}`;
  const place = join(folder, platform);
  const nodePackage = `node-${os === "win32" ? "win" : os}-${cpu}`;
  // Forced: npm refuses Node's package where it cannot run by itself.
  const install = ["install", "--prefix", place, `--os=${os}`, `--cpu=${cpu}`, "--force", "--ignore-scripts"];
  run("npm", [...install, tarball, `${nodePackage}@${NODE}`], {});
  const [command, ...words] = commandOf(join(place, "node_modules", nodePackage, "bin/node"));
  const check = join(place, "same-texts.mjs");
  copyFileSync(join(root, "scripts/same-texts.mjs"), check);
  const environment = { ...process.env, FORETOKEN_CACHE: join(place, "cache"), WINEDEBUG: "-all" };
  const options = { cwd: place, env: environment };
  const doctor = run(command, [...words, join(place, "node_modules/foretoken/bin/foretoken.js"), "doctor"], options);
  const operators = doctor.split("\n").find((line) => line.startsWith("operators")) ?? "";
  if (!operators.includes("Foretoken's own"))
    throw new Error(`${platform}: the native operators do not run: ${doctor}`);
  run(command, [...words, check, "texts.json"], options);
  const texts = JSON.parse(readFileSync(join(place, "texts.json"), "utf8"));
  for (const [name, { plain, ...others }] of Object.entries(texts)) {
    for (const [method, text] of Object.entries(others)) {
      if (text !== plain) throw new Error(`${platform}: other tokens than plain decoding's: ${name}, ${method}`);
    }
  }
  console.log(`${platform}: eight methods and auto give plain decoding's tokens; ${operators.replace(/\s+/g, " ")}`);
  rmSync(place, { recursive: true });
  return texts;
}

/** Says which texts are this machine's too: the native operators promise that of their own part only. */
function compare(platform, texts, own) {
  const others = Object.keys(texts).filter((name) => texts[name].plain !== own[name].plain);
  console.log(
    `${platform}: ${others.length ? `other texts than this machine's in ${others.join("; ")}` : "this machine's tokens"}`,
  );
}

/** Runs a command to its end. Output goes through a file: Node under Wine cannot write to pipes. */
function run(command, words, options) {
  const file = join(folder, "output");
  const to = openSync(file, "w");
  const { status, error } = spawnSync(command, words, { ...options, stdio: ["ignore", to, to] });
  closeSync(to);
  const output = readFileSync(file, "utf8");
  if (error || status !== 0) throw new Error(`${command} ${words.join(" ")}: ${error?.message ?? output.slice(-2000)}`);
  return output;
}

function works(...command) {
  return spawnSync(command[0], command.slice(1), { stdio: "ignore" }).status === 0;
}
