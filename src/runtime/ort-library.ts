import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import koffi from "koffi";
import { RuntimeError } from "../types/errors.js";
import { API_VERSION, type Kind, ORT_FUNCTIONS, type OrtFunctionName } from "./ort-functions.js";
import { disableTelemetry } from "./privacy.js";

/** Stack of asynchronous calls. koffi's 128 KiB are too thin for ORT: 80 KiB crashed, 96 KiB did not. */
const ASYNC_STACK_BYTES = 4 * 1024 * 1024;
/** Members of OrtApi up to the highest index used. */
const TABLE_LENGTH = 1 + Math.max(...Object.values(ORT_FUNCTIONS).map((spec) => spec.index));

const LIBRARIES: Readonly<Record<string, string>> = {
  "linux-x64": "libonnxruntime.so.1",
  "linux-arm64": "libonnxruntime.so.1",
  "darwin-arm64": "libonnxruntime.1.dylib",
  "win32-x64": "onnxruntime.dll",
  "win32-arm64": "onnxruntime.dll",
};

/** ORT's functions. Handles and results are addresses (bigint); a status of null is success. */
// biome-ignore lint/suspicious/noExplicitAny: argument types differ from function to function; koffi checks them
export type OrtFunction = ((...args: any[]) => any) & { async: (...args: any[]) => void };
export type OrtApi = Readonly<Record<OrtFunctionName, OrtFunction>>;

interface Library {
  /** koffi unloads a library whose handle is collected. */
  handle: unknown;
  api: OrtApi;
  version: string;
}

let library: Library | undefined;

/** The C API of the shared library inside the onnxruntime-node package. @throws RuntimeError where there is none. */
export function ort(): OrtApi {
  library ??= open(libraryPath());
  return library.api;
}

/** Version of the shared library, e.g. "1.30.0". */
export function ortVersion(): string {
  library ??= open(libraryPath());
  return library.version;
}

function libraryPath(): string {
  const platform = `${process.platform}-${process.arch}`;
  const file = LIBRARIES[platform];
  const folder = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  const path = file && join(folder, "bin", "napi-v6", process.platform, process.arch, file);
  if (path && existsSync(path)) return path;
  throw new RuntimeError(
    `ONNX Runtime has no library for ${platform}, expected one of: ${Object.keys(LIBRARIES).join(", ")}`,
  );
}

function open(path: string): Library {
  configureStack();
  disableTelemetry();
  const handle = koffi.load(path);
  const entry = handle.func("OrtGetApiBase", "void *", []);
  const [getApi, getVersion] = koffi.decode(entry(), koffi.array("uintptr_t", 2)).map(BigInt);
  const version: string = koffi.decode(getVersion, koffi.proto(null, "str", []))();
  const api = koffi.decode(getApi, koffi.proto(null, "void *", ["uint32_t"]))(API_VERSION);
  if (!api) {
    throw new RuntimeError(
      `ONNX Runtime ${version} in ${path} does not offer API ${API_VERSION}: install onnxruntime-node 1.30 or later`,
    );
  }
  return { handle, api: bindAll(api), version };
}

function configureStack(): void {
  try {
    koffi.config({ async_stack_size: ASYNC_STACK_BYTES });
  } catch {
    // Another user of koffi has loaded a library before: the size is fixed by then. Checked next.
  }
  const { async_stack_size: size } = koffi.config() as { async_stack_size: number };
  if (size >= ASYNC_STACK_BYTES) return;
  throw new RuntimeError(
    `koffi was loaded with ${size} bytes of stack for asynchronous calls, ONNX Runtime needs ${ASYNC_STACK_BYTES}: import foretoken before other users of koffi`,
  );
}

function bindAll(api: unknown): OrtApi {
  const table = new BigUint64Array(koffi.view(api, TABLE_LENGTH * 8));
  const handle = () => koffi.pointer(koffi.opaque());
  const types = {
    env: handle(),
    threading: handle(),
    options: handle(),
    session: handle(),
    runOptions: handle(),
    value: handle(),
    memoryInfo: handle(),
    allocator: handle(),
    status: handle(),
    pointer: "void *",
    string: "str",
    path: process.platform === "win32" ? "str16" : "str",
    size: "size_t",
    int: "int",
    void: "void",
  };
  const bound: Partial<Record<OrtFunctionName, OrtFunction>> = {};
  for (const [name, { index, result, args }] of Object.entries(ORT_FUNCTIONS)) {
    const proto = koffi.proto(
      null,
      types[result],
      args.map((kind: Kind) => types[kind]),
    );
    bound[name as OrtFunctionName] = koffi.decode(table[index], proto) as OrtFunction;
  }
  return bound as OrtApi;
}
