import { isMainThread } from "node:worker_threads";
import koffi from "koffi";
import { RuntimeError } from "../types/errors.js";
import { ortEnvironment } from "./environment.js";
import { nativeOperators, releaseWithThread } from "./native-operators.js";
import { check, out } from "./ort-error.js";
import { ort } from "./ort-library.js";

/** ORT_ENABLE_ALL. On graphs of fused operators no level makes a difference in speed. */
const OPTIMISE_ALL = 99;

/** A model: a file, or bytes whose external weights lie in `weightsDirectory` (an absolute path). */
export type ModelSource = { path: string } | { bytes: Uint8Array; weightsDirectory?: string };

export interface SessionOptions {
  /** Save the model with weights packed for this CPU: later sessions then map them instead of packing copies. */
  pack?: { modelPath: string; weightsFile: string };
}

/** Sessions whose owners were collected without dispose(). */
const collected = new FinalizationRegistry<{ handle: bigint; session: WeakRef<Session> }>(({ handle, session }) => {
  open.delete(session);
  release(handle);
});

/**
 * What this thread has not disposed of. Native memory is the process's: a worker thread that ends, or exits, gives its
 * own back here. `terminate()`, and an exit in mid-pass, run no JavaScript in the thread any more: what is left then goes
 * when the thread does (`releaseWithThread`).
 */
const open = new Set<WeakRef<Session>>();
if (!isMainThread) {
  process.once("exit", () => {
    for (const session of open) if (session.deref()?.inFlight === 0) session.deref()?.dispose();
  });
}

/** A loaded model. Runs go through Binding. */
export class Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  private native: bigint | undefined;
  private readonly self = new WeakRef(this);
  /** Runs under way; a session in use must not be released. Kept by Binding. */
  inFlight = 0;

  private constructor(handle: bigint) {
    this.native = handle;
    if (!isMainThread) releaseWithThread(handle, true);
    open.add(this.self);
    collected.register(this, { handle, session: this.self }, this);
    const api = ort();
    this.inputNames = names(handle, api.SessionGetInputCount, api.SessionGetInputName);
    this.outputNames = names(handle, api.SessionGetOutputCount, api.SessionGetOutputName);
  }

  /** Loads a model off the event loop. @throws OrtError with ORT's message for a model it refuses. */
  static async create(source: ModelSource, options: SessionOptions = {}): Promise<Session> {
    const api = ort();
    const environment = ortEnvironment();
    const native = sessionOptions(source, options);
    const slot = new BigUint64Array(1);
    try {
      const status = await new Promise<bigint | null>((resolve, reject) => {
        const done = (error: Error | null, result: bigint | null) => (error ? reject(error) : resolve(result));
        if ("path" in source) api.CreateSession.async(environment, source.path, native, slot, done);
        else {
          api.CreateSessionFromArray.async(environment, source.bytes, source.bytes.byteLength, native, slot, done);
        }
      });
      check(status);
    } finally {
      api.ReleaseSessionOptions(native);
      keepAlive(source);
    }
    return new Session(slot[0]);
  }

  /** The OrtSession. @throws RuntimeError after dispose. */
  get handle(): bigint {
    if (this.native === undefined) throw new RuntimeError("the session was disposed");
    return this.native;
  }

  /** @throws RuntimeError while a run is under way. */
  dispose(): void {
    if (this.native === undefined) return;
    if (this.inFlight > 0) throw new RuntimeError("the session is running: await its runs before disposing of it");
    collected.unregister(this);
    open.delete(this.self);
    release(this.native);
    this.native = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function release(handle: bigint): void {
  if (!isMainThread) releaseWithThread(handle, false);
  ort().ReleaseSession(handle);
}

function sessionOptions(source: ModelSource, { pack }: SessionOptions): bigint {
  const api = ort();
  const options = out(api.CreateSessionOptions);
  const entry = (key: string, value: string) => check(api.AddSessionConfigEntry(options, `session.${key}`, value));
  check(api.DisablePerSessionThreads(options));
  check(api.SetSessionGraphOptimizationLevel(options, OPTIMISE_ALL));
  const { path } = nativeOperators();
  if (path !== undefined) check(api.RegisterCustomOpsLibrary_V2(options, path));
  if ("weightsDirectory" in source && source.weightsDirectory) {
    entry("model_external_initializers_file_folder_path", source.weightsDirectory);
  }
  if (pack) {
    check(api.SetOptimizedModelFilePath(options, pack.modelPath));
    entry("save_external_prepacked_constant_initializers", "1");
    entry("optimized_model_external_initializers_file_name", pack.weightsFile);
    entry("optimized_model_external_initializers_min_size_in_bytes", "0");
  }
  return options;
}

/** Nobody but us keeps the memory that a native call reads: this use keeps its owner reachable until here. */
function keepAlive(owner: object): void {
  reached.add(owner);
  reached.delete(owner);
}

const reached = new WeakSet<object>();

type Call = (...args: never[]) => bigint | null;

function names(session: bigint, countCall: Call, nameCall: Call): string[] {
  const api = ort();
  const allocator = out(api.GetAllocatorWithDefaultOptions);
  const count = Number(out(countCall, session));
  return Array.from({ length: count }, (_, i) => {
    const address = out(nameCall, session, i, allocator);
    const name = koffi.decode(address, "char", -1) as string;
    check(api.AllocatorFree(allocator, address));
    return name;
  });
}
