import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import koffi from "koffi";
import { UsageError } from "../types/errors.js";
import { OPTION_ALIASES } from "../types/option-aliases.js";
import { optional } from "../types/option-declaration.js";
import { integer } from "../types/option-kinds.js";
import { checkOptions } from "../types/option-table.js";
import { shown } from "../types/shown.js";
import { check, out } from "./ort-error.js";
import { ort, ortVersion } from "./ort-library.js";

export const RUNTIME_OPTIONS = {
  threads: optional(integer(1, 1024), "threads that all models share", "the cores that are free"),
};

/** How many threads, where a program or a command line says nothing: for containers, and beside other work. */
const THREADS_VARIABLE = "FORETOKEN_THREADS";

/** Errors only on standard error. */
const LOG_LEVEL_FATAL = 4;

let environment: bigint | undefined;
let wantedThreads: number | undefined;

/**
 * Sets the number of threads of the one pool that all sessions share. Call before the first model is loaded.
 * @throws UsageError when a pool with another number of threads exists
 */
export function configureRuntime(options: { threads: number }): void {
  const { threads } = checkOptions<{ threads: number }>(RUNTIME_OPTIONS, options, {
    of: "configureRuntime",
    aliases: OPTION_ALIASES,
  });
  if (threads === undefined) throw new UsageError("configureRuntime needs threads: configureRuntime({ threads: 4 })");
  if (environment !== undefined && threads !== threadCount()) {
    throw new UsageError(
      `the runtime already runs ${threadCount()} threads: set threads before the first model is loaded`,
    );
  }
  wantedThreads = threads;
}

/** Threads of the pool: as configured, else what FORETOKEN_THREADS says, else the cores that this process may use. */
export function threadCount(): number {
  wantedThreads ??= threadsByVariable() ?? freeCores();
  return wantedThreads;
}

function threadsByVariable(): number | undefined {
  const value = process.env[THREADS_VARIABLE];
  if (!value) return undefined;
  const { kind } = RUNTIME_OPTIONS.threads;
  if (kind.accepts(Number(value))) return Number(value);
  throw new UsageError(`${THREADS_VARIABLE}=${shown(value)} is wrong: it must be ${kind.expected(value)}`);
}

/** The process's one environment, with one global thread pool. It is never released: sessions outlive owners. */
export function ortEnvironment(): bigint {
  if (environment !== undefined) return environment;
  const api = ort();
  const threading = out(api.CreateThreadingOptions);
  try {
    check(api.SetGlobalIntraOpNumThreads(threading, threadCount()));
    check(api.SetGlobalInterOpNumThreads(threading, 1));
    check(api.SetGlobalSpinControl(threading, 1));
    const created = out(api.CreateEnvWithGlobalThreadPools, LOG_LEVEL_FATAL, "foretoken", threading);
    check(api.DisableTelemetryEvents(created));
    environment = created;
  } finally {
    api.ReleaseThreadingOptions(threading);
  }
  return environment;
}

export interface RuntimeInfo {
  version: string;
  build: string;
  providers: string[];
  threads: number;
}

export function runtimeInfo(): RuntimeInfo {
  const api = ort();
  const list = new BigUint64Array(1);
  const count = new Int32Array(1);
  check(api.GetAvailableProviders(list, count));
  const names = koffi.decode(list[0], koffi.array("str", count[0])) as string[];
  const providers = [...names];
  check(api.ReleaseAvailableProviders(list[0], count[0]));
  return { version: ortVersion(), build: api.GetBuildInfoString(), providers, threads: threadCount() };
}

/** Cores available to the process, bounded by a container's CPU quota. */
function freeCores(): number {
  const cores = availableParallelism();
  const quota = cgroupQuota();
  return Math.max(1, quota === undefined ? cores : Math.min(cores, Math.floor(quota)));
}

function cgroupQuota(): number | undefined {
  const read = (path: string) => {
    try {
      return readFileSync(path, "utf8").trim();
    } catch {
      return undefined;
    }
  };
  const v2 = read("/sys/fs/cgroup/cpu.max")?.split(" ");
  const v1 = [read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")];
  const [quota, period] = (v2 ?? v1).map(Number);
  return quota > 0 && period > 0 ? quota / period : undefined;
}
