import koffi from "koffi";

/** Read by ONNX Runtime's own code when it is loaded (1.30). */
const SWITCH = "ORT_DISABLE_TELEMETRY";

/**
 * Tells ONNX Runtime not to report to its maker. From 1.30 on its library for Linux otherwise calls a telemetry host and
 * writes a device id, a database and logs into the user's folders. Call before the library is loaded.
 */
export function disableTelemetry(): void {
  process.env[SWITCH] = "1";
  // In a worker thread process.env is a copy, which native code does not see.
  if (process.platform !== "win32") nativeSetenv()(SWITCH, "1", 1);
}

function nativeSetenv(): (name: string, value: string, overwrite: number) => number {
  setenv ??= koffi.load(null).func("setenv", "int", ["str", "str", "int"]);
  return setenv;
}

let setenv: ((name: string, value: string, overwrite: number) => number) | undefined;
