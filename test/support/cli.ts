import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEachFile } from "./after-each-file.js";
import { tier } from "./tier.js";

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  stdin?: string;
  env?: Record<string, string>;
  /** Called with the standard output so far; may act on the process. */
  onStdout?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** Runs the built command line, as users do. */
export function foretoken(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = spawn(process.execPath, ["bin/foretoken.js", ...args], {
    env: { ...process.env, NO_COLOR: "", FORCE_COLOR: "", ...options.env },
  });
  const result: CliResult = { code: null, stdout: "", stderr: "" };
  child.stdout.on("data", (data) => {
    result.stdout += data;
    options.onStdout?.(result.stdout, (signal) => child.kill(signal));
  });
  child.stderr.on("data", (data) => {
    result.stderr += data;
  });
  child.stdin.end(options.stdin ?? "");
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ ...result, code }));
  });
}

let resident: ChildProcess | undefined;

/**
 * The same for command lines that read no input and go by no environment of their own: in the fast tier all those of a
 * test file run in one process, one after another, which saves starting one for each.
 */
export const command: (args: readonly string[]) => Promise<CliResult> = tier(foretoken, async (args) => {
  resident ??= fork("test/support/resident-cli.mjs", { env: { ...process.env, NO_COLOR: "", FORCE_COLOR: "" } });
  resident.send(args);
  const [result] = await once(resident, "message");
  return result as CliResult;
});

afterEachFile.push(() => {
  resident?.disconnect();
  resident = undefined;
});
