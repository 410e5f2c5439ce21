import { spawn } from "node:child_process";

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
