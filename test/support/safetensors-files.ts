import { readFileSync, writeFileSync } from "node:fs";

export type Header = Record<string, { dtype: string; shape: number[]; data_offsets: number[] }>;

/** Rewrites the header of a safetensors file; the data stays. `change` alters it in place, or returns other text. */
export function changeHeader(path: string, change: (header: Header) => unknown): void {
  const bytes = readFileSync(path);
  const end = 8 + Number(bytes.readBigUInt64LE());
  const parsed: Header = JSON.parse(bytes.subarray(8, end).toString());
  const changed = change(parsed);
  const text = Buffer.from(typeof changed === "string" ? changed : JSON.stringify(parsed));
  writeFileSync(path, Buffer.concat([lengthPrefix(text.length), text, bytes.subarray(end)]));
}

/** The eight bytes before a header. */
export function lengthPrefix(length: number | bigint): Buffer {
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(length));
  return prefix;
}

/** Writes tensors of 32-bit floats, or of 64-bit integers where their values are such. */
export function writeTensors(
  path: string,
  tensors: Readonly<Record<string, { shape: number[]; values: Float32Array | BigInt64Array }>>,
): void {
  const header: Header = {};
  const parts: Buffer[] = [];
  let at = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    const dtype = values instanceof BigInt64Array ? "I64" : "F32";
    header[name] = { dtype, shape, data_offsets: [at, at + values.byteLength] };
    parts.push(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
    at += values.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  writeFileSync(path, Buffer.concat([lengthPrefix(text.length), text, ...parts]));
}
