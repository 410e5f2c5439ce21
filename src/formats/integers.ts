/** Element types of tensors that hold ids. */
export type IntegerDtype = "I64" | "I32";

export const BYTES_PER_INTEGER: Readonly<Record<IntegerDtype, number>> = { I64: 8, I32: 4 };

/** Little-endian integers as numbers; those beyond 2^53 are rounded. */
export function toIntegers(dtype: IntegerDtype, bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = BYTES_PER_INTEGER[dtype];
  return Array.from({ length: bytes.byteLength / size }, (_, i) =>
    dtype === "I64" ? Number(view.getBigInt64(i * size, true)) : view.getInt32(i * size, true),
  );
}
