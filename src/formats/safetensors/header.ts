import { isObject, outline, parseObject } from "../../files/json.js";
import { CheckpointError } from "../../types/errors.js";
import { escaped, shown } from "../../types/shown.js";
import { elementCount } from "../tensor-source.js";

/** Bits of an element of every dtype that the format knows. Only some of them can be weights here. */
const DTYPE_BITS: Readonly<Record<string, number>> = {
  ...{ C64: 64, F64: 64, F32: 32, F16: 16, BF16: 16, F8_E4M3: 8, F8_E5M2: 8, F8_E8M0: 8 },
  ...{ F8_E4M3FNUZ: 8, F8_E5M2FNUZ: 8, F6_E2M3: 6, F6_E3M2: 6, F4: 4, BOOL: 8 },
  ...{ I64: 64, I32: 32, I16: 16, I8: 8, U64: 64, U32: 32, U16: 16, U8: 8 },
};

/** PyTorch's own limit. */
const MAX_DIMENSIONS = 64;

/** Where a tensor lies, in bytes from the start of the file's data. */
export interface HeaderEntry {
  dtype: string;
  shape: readonly number[];
  start: number;
  end: number;
}

/**
 * Reads a safetensors header: every tensor's dtype, shape and place. The places must cover the data exactly, without
 * overlap, hole or rest, as the format asks.
 * @param file names the file in errors
 * @param dataBytes bytes of the file after the header
 * @throws CheckpointError naming file and tensor
 */
export function parseHeader(bytes: Uint8Array, file: string, dataBytes: number): Map<string, HeaderEntry> {
  const path = escaped(file);
  const entries = new Map<string, HeaderEntry>();
  const text = headerText(bytes, path);
  const header = Object.entries(parseObject(text, `${path}: the header`));
  if (header.length !== outline(text).outerKeys) {
    throw new CheckpointError(`${path}: the header names a tensor twice: the file is damaged, download it again`);
  }
  for (const [name, value] of header) if (name !== "__metadata__") entries.set(name, parseEntry(name, value, path));
  let position = 0;
  for (const [name, entry] of [...entries].sort(([, a], [, b]) => a.start - b.start || a.end - b.end)) {
    if (entry.start !== position) {
      const what = entry.start < position ? "overlaps another tensor" : "leaves a hole before it";
      throw new CheckpointError(
        `${path}: tensor ${shown(name)} begins at byte ${entry.start}, expected ${position}: it ${what}, download the file again`,
      );
    }
    position = entry.end;
    if (position > dataBytes) {
      throw new CheckpointError(
        `${path}: tensor ${shown(name)} ends at byte ${position} but the file holds ${dataBytes} bytes of data: it is truncated, download it again`,
      );
    }
  }
  if (position === dataBytes) return entries;
  throw new CheckpointError(
    `${path} holds ${dataBytes} bytes of data but its tensors end at byte ${position}: it is damaged, download it again`,
  );
}

function headerText(bytes: Uint8Array, path: string): string {
  if (bytes[0] !== "{".charCodeAt(0)) {
    throw new CheckpointError(`${path}: the header does not begin with "{": is this a safetensors file?`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new CheckpointError(`${path}: the header is not UTF-8 text: the file is damaged, download it again`);
  }
}

function parseEntry(name: string, value: unknown, path: string): HeaderEntry {
  const fail = (what: string) => new CheckpointError(`${path}: tensor ${shown(name)} ${what}: download the file again`);
  if (!isObject(value)) throw fail(`is described by ${shown(value)}, expected {dtype, shape, data_offsets}`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(DTYPE_BITS, dtype)) {
    throw fail(`has unknown dtype ${shown(dtype)}, expected one of the safetensors format's, such as F32`);
  }
  if (!isCounts(shape) || shape.length > MAX_DIMENSIONS) {
    throw fail(`has shape ${shown(shape)}, expected a list of at most ${MAX_DIMENSIONS} sizes`);
  }
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw fail(`has data_offsets ${shown(offsets)}, expected [begin, end]`);
  }
  const [start, end] = offsets;
  const needed = (elementCount(shape) * DTYPE_BITS[dtype]) / 8;
  if (needed === end - start) return { dtype, shape, start, end };
  throw fail(
    `of shape ${shown(shape)} and dtype ${dtype} takes ${needed} bytes but its data_offsets span ${end - start}`,
  );
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
