import { RuntimeError } from "../types/errors.js";
import { ort } from "./ort-library.js";

/** A failure that ONNX Runtime reports, with its own message. */
export class OrtError extends RuntimeError {
  override name = "OrtError";

  constructor(
    /** OrtErrorCode: 1 fail, 2 invalid argument, 3 no such file, 7 invalid protobuf, ... */
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** Throws what a status says and releases it; null is success. */
export function check(status: bigint | null): void {
  if (!status) return;
  const api = ort();
  const code = api.GetErrorCode(status);
  const message = (api.GetErrorMessage(status) as string).split("\n")[0].trim();
  api.ReleaseStatus(status);
  throw new OrtError(code, `ONNX Runtime: ${message}`);
}

const slot = new BigUint64Array(1);

/** Calls a function whose last argument is an out-parameter and returns what it wrote. */
export function out(call: (...args: never[]) => bigint | null, ...args: unknown[]): bigint {
  slot[0] = 0n;
  check((call as (...args: unknown[]) => bigint | null)(...args, slot));
  return slot[0];
}
