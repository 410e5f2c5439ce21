/** PyTorch files made by hand: what torch.save writes, and what it never would. */

export interface ZipFile {
  name: string;
  data: Uint8Array;
  /** Fields that lie. */
  size?: number;
  header?: number;
  method?: number;
}

/** A zip archive of stored files; `zip64` writes sizes and offsets in the wide fields. */
export function zip(files: readonly ZipFile[], zip64 = false): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  const add = (part: Buffer) => {
    parts.push(part);
    at += part.length;
  };
  for (const { name, data, size = data.length, header = at, method = 0 } of files) {
    const bytes = Buffer.from(name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(bytes.length, 26);
    add(Buffer.concat([local, bytes]));
    add(Buffer.from(data));
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    const fields = [size, size, header];
    [20, 24, 42].forEach((offset, i) => {
      entry.writeUInt32LE(zip64 ? 0xffff_ffff : fields[i], offset);
    });
    entry.writeUInt16LE(bytes.length, 28);
    const extra = zip64 ? Buffer.concat([Buffer.from([9, 9, 0, 0, 1, 0, 24, 0]), ...fields.map(u64)]) : Buffer.alloc(0);
    entry.writeUInt16LE(extra.length, 30);
    directory.push(entry, bytes, extra);
  }
  const start = at;
  const whole = Buffer.concat(directory);
  add(whole);
  if (zip64) {
    const record = Buffer.alloc(56);
    record.writeUInt32LE(0x06064b50, 0);
    [files.length, whole.length, start].forEach((value, i) => {
      record.set(u64(value), 32 + 8 * i);
    });
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50, 0);
    locator.set(u64(at), 8);
    add(record);
    add(locator);
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(zip64 ? 0xffff : files.length, 10);
  end.writeUInt32LE(zip64 ? 0xffff_ffff : whole.length, 12);
  end.writeUInt32LE(zip64 ? 0xffff_ffff : start, 16);
  add(end);
  return Buffer.concat(parts);
}

/** What torch.save writes around a pickle and storages; `extra` comes last. */
export function pytorchZip(pickle: Buffer, storages: readonly Uint8Array[] = [], zip64 = false): Buffer {
  const files = storages.map((data, i) => ({ name: `x/data/${i}`, data }));
  const order = { name: "x/byteorder", data: Buffer.from("little") };
  return zip([{ name: "x/data.pkl", data: pickle }, order, ...files], zip64);
}

/** Pickle opcodes. */
export const PROTOCOL = Buffer.from([0x80, 2]);
export const STOP = Buffer.from(".");
export const text = (value: string) =>
  Buffer.concat([Buffer.from("X"), u32(Buffer.byteLength(value)), Buffer.from(value)]);
export const global = (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`);
export const integer = (value: number) => Buffer.concat([Buffer.from("J"), u32(value)]);
export const tuple = (...items: Buffer[]) => Buffer.concat([Buffer.from("("), ...items, Buffer.from("t")]);
export const integers = (...values: number[]) => tuple(...values.map(integer));

export interface TensorFields {
  storage?: string;
  key?: string;
  offset?: number;
  shape?: Buffer;
  strides?: Buffer;
}

/** A tensor as torch._utils._rebuild_tensor_v2 makes it. */
export function tensor({
  storage = "FloatStorage",
  key = "0",
  offset = 0,
  shape = integers(2, 2),
  strides = integers(2, 1),
}: TensorFields = {}): Buffer {
  const id = tuple(text("storage"), global("torch", storage), text(key), text("cpu"), integer(4));
  const args = tuple(
    Buffer.concat([id, Buffer.from("Q")]),
    integer(offset),
    shape,
    strides,
    Buffer.from("\x89", "latin1"),
    Buffer.from("}"),
  );
  return Buffer.concat([global("torch._utils", "_rebuild_tensor_v2"), args, Buffer.from("R")]);
}

/** The pickle of a dictionary. */
export function stateDict(entries: readonly [name: string, value: Buffer][]): Buffer {
  const items = entries.flatMap(([name, value]) => [text(name), value]);
  return Buffer.concat([PROTOCOL, Buffer.from("}("), ...items, Buffer.from("u"), STOP]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
