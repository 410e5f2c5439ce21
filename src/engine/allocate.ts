import { RuntimeError } from "../types/errors.js";

/**
 * Zeroed floats. Memory that nobody touches costs nothing, so no limit is set here: the system says when it is too much.
 * @param what names their use in the error
 * @throws RuntimeError that says how much memory was asked for
 */
export function allocateFloats(length: number, what: string): Float32Array {
  try {
    return new Float32Array(length);
  } catch {
    throw outOfMemory(4 * length, what);
  }
}

export function outOfMemory(bytes: number, what: string): RuntimeError {
  return new RuntimeError(`no memory for ${what}, ${gigabytes(bytes)}: lower contextLength`);
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e10 ? 1 : 0)} GB`;
}
