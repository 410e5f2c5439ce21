import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import koffi from "koffi";
import { warn } from "../types/warn.js";
import { check, out } from "./ort-error.js";
import { ort } from "./ort-library.js";

/** Set to "off": ONNX Runtime's own operators run instead. "on", or nothing: ours, where they can. */
const SWITCH = "FORETOKEN_NATIVE";
/** Beside src/ and dist/; compiled benchmarks lie one folder deeper. */
const FOLDERS = ["../../prebuilds", "../../../prebuilds"];
const FILES: Readonly<Record<string, string>> = {
  "linux-x64": "foretoken_ops.so",
  "linux-arm64": "foretoken_ops.so",
  "darwin-arm64": "foretoken_ops.dylib",
  "win32-x64": "foretoken_ops.dll",
};

/** How far libraries were run that are not tested on a machine of their own (scripts/test-platforms.mjs). */
const TRIED: Readonly<Record<string, string>> = {
  "linux-arm64": "tried in an emulator only",
  "darwin-arm64": "untried on this platform",
  "win32-x64": "tried under Wine only",
};

/** Foretoken's own operators for ONNX Runtime (native/), or why ONNX Runtime's run instead. */
export interface NativeOperators {
  /** The library. Undefined where none is used. */
  path?: string;
  /** Names the instructions that its kernels use here, such as "avx2". */
  kernels?: string;
  /** How far the library was run on this platform; undefined where it is tested there. */
  tried?: string;
  /** SHA-256 of the library. */
  checksum?: string;
  /** Why no library is used. */
  reason?: string;
}

/** koffi unloads a library whose handle is collected. */
let handle: ReturnType<typeof koffi.load> | undefined;
let found: NativeOperators | undefined;
/** The library's functions on a thread's sessions. */
let owning: Record<"own" | "disown", (session: bigint) => void> | undefined;

/**
 * The prebuilt library for this platform, whose checksum is right and which ONNX Runtime accepts. Looked for once; where
 * there should be one and is not, a warning says so.
 */
export function nativeOperators(): NativeOperators {
  if (found) return found;
  const wanted = process.env[SWITCH] || "on";
  if (wanted === "off") found = { reason: `${SWITCH} is off` };
  else {
    if (wanted !== "on") warn(`${SWITCH}=${wanted} is not known, expected on or off: taken for on`);
    try {
      found = open();
    } catch (error) {
      found = { reason: (error as Error).message };
      warn(`${found.reason}: products run on ONNX Runtime's own operators, which are slower`);
    }
  }
  return found;
}

/**
 * Says that a session is to be released when this thread ends, or no more. Where the library is not there, or on Windows,
 * nothing sees to it.
 */
export function releaseWithThread(session: bigint, release: boolean): void {
  if (nativeOperators().path === undefined) return;
  owning?.[release ? "own" : "disown"](session);
}

function open(): NativeOperators {
  const platform = `${process.platform}-${process.arch}`;
  const file = FILES[platform];
  if (!file) return { reason: `there are no native operators for ${platform}` };
  const folder = FOLDERS.map((place) => fileURLToPath(new URL(place, import.meta.url))).find(existsSync);
  const path = folder && join(folder, platform, file);
  if (!path || !existsSync(path))
    throw new Error(`the native operators for ${platform} are missing: install foretoken again`);
  const sums: Record<string, string> = JSON.parse(readFileSync(join(folder, "checksums.json"), "utf8"));
  const sum = createHash("sha256").update(readFileSync(path)).digest("hex");
  if (sum !== sums[`${platform}/${file}`]) throw new Error(`${path} is not as it was built: install foretoken again`);
  register(path);
  handle = koffi.load(path);
  owning = { own: handle.func("void ForetokenOwn(void *)"), disown: handle.func("void ForetokenDisown(void *)") };
  const kernels: string | null = handle.func("const char *ForetokenKernels()")();
  if (kernels !== null) return { path, kernels, checksum: sum, tried: TRIED[platform] };
  const { FORETOKEN_KERNELS: wanted } = process.env;
  if (!wanted) {
    return {
      reason: "this CPU has none of the instructions that the native operators use, or gives other bits with them",
    };
  }
  throw new Error(`FORETOKEN_KERNELS=${wanted} names no kernels that run on this CPU`);
}

/** Tries the library out. @throws OrtError where ONNX Runtime, or the library, refuses */
function register(path: string): void {
  const api = ort();
  const options = out(api.CreateSessionOptions);
  try {
    check(api.RegisterCustomOpsLibrary_V2(options, path));
  } finally {
    api.ReleaseSessionOptions(options);
  }
}
