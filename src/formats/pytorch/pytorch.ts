import type { FileHandle } from "node:fs/promises";
import { fileDigests } from "../../files/digest.js";
import { fileStamp } from "../../files/file-stamp.js";
import { openRegular, readFully, unreadable } from "../../files/regular-file.js";
import { CheckpointError } from "../../types/errors.js";
import { escaped, shown } from "../../types/shown.js";
import { BYTES_PER_ELEMENT, toFloat32 } from "../half-floats.js";
import { BYTES_PER_INTEGER, type IntegerDtype, toIntegers } from "../integers.js";
import { elementCount, type TensorDtype, type TensorInfo, type WeightFile } from "../tensor-source.js";
import { type PickledTensor, readStateDict } from "./state-dict.js";
import { entryStart, readZipDirectory, type ZipEntry } from "./zip.js";

/** The kinds of storage that hold weights. Other kinds (integers) are kept by name, for the error. */
const STORAGES: Readonly<Record<string, TensorDtype>> = {
  "torch FloatStorage": "F32",
  "torch HalfStorage": "F16",
  "torch BFloat16Storage": "BF16",
};
/** Those that hold ids. */
const INTEGERS: Readonly<Record<string, IntegerDtype>> = { "torch LongStorage": "I64", "torch IntStorage": "I32" };
/** Names, shapes and places of 20,000 tensors, and more. */
const MAX_PICKLE = 8 << 20;
/** How a file begins that torch.save wrote before version 1.6: a pickle of a magic number. */
const OLD_MAGIC = "80028a0a6cfc9c46f9206aa85019";

/**
 * The tensors of a PyTorch file (torch.save of a state dict, zip format), read by ranges. The pickle inside is read,
 * never executed. Tensors that share a storage are read from where it lies.
 */
export class PytorchFile implements WeightFile {
  /** Of the file when it was opened. */
  stamp = "";
  private readonly starts = new Map<string, Promise<number>>();

  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    private readonly tensors: ReadonlyMap<string, PickledTensor>,
    private readonly entries: ReadonlyMap<string, ZipEntry>,
    private readonly folder: string,
  ) {}

  /** @throws CheckpointError naming the file */
  static async open(path: string): Promise<PytorchFile> {
    const file = await openRegular(path);
    try {
      const stamp = fileStamp(await file.stat({ bigint: true }));
      await refuseOldFormat(file, path);
      const entries = await readZipDirectory(file, path);
      const name = [...entries.keys()].find((entry) => entry === "data.pkl" || entry.endsWith("/data.pkl"));
      if (name === undefined) throw new CheckpointError(`${escaped(path)} has no data.pkl: it is no PyTorch file`);
      const folder = name.slice(0, -"data.pkl".length);
      const order = await readEntry(file, path, `${folder}byteorder`, entries, 16);
      if (order && Buffer.from(order).toString("latin1") !== "little")
        throw new CheckpointError(`${escaped(path)} has big-endian weights: save it again`);
      const pickle = (await readEntry(file, path, name, entries, MAX_PICKLE))!;
      const opened = new PytorchFile(path, file, readStateDict(pickle, path), entries, folder);
      opened.stamp = stamp;
      return opened;
    } catch (error) {
      await file.close();
      throw error instanceof CheckpointError ? error : unreadable(path, error);
    }
  }

  names(): Iterable<string> {
    return this.tensors.keys();
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /** @throws CheckpointError for a tensor that cannot be a weight, or whose data is not in the file */
  info(name: string): TensorInfo | undefined {
    const tensor = this.tensors.get(name);
    if (!tensor) return undefined;
    const dtype = Object.hasOwn(STORAGES, tensor.storage) ? STORAGES[tensor.storage] : undefined;
    if (!dtype) {
      throw this.unusable(
        name,
        `is a ${escaped(tensor.storage, 80)}, expected float, half or bfloat16: save it as one`,
      );
    }
    this.checkPlace(name, tensor, BYTES_PER_ELEMENT[dtype]);
    return { dtype, shape: tensor.shape };
  }

  async integers(name: string): Promise<number[] | undefined> {
    const tensor = this.tensors.get(name);
    if (!tensor) return undefined;
    const dtype = Object.hasOwn(INTEGERS, tensor.storage) ? INTEGERS[tensor.storage] : undefined;
    if (!dtype) throw this.unusable(name, `is a ${escaped(tensor.storage, 80)}, expected whole numbers (long or int)`);
    const size = BYTES_PER_INTEGER[dtype];
    this.checkPlace(name, tensor, size);
    return toIntegers(dtype, await this.read(name, tensor, tensor.offset * size, elementCount(tensor.shape) * size));
  }

  async readRows(name: string, start: number, count: number, into: Float32Array): Promise<void> {
    const info = this.info(name);
    if (!info) throw new CheckpointError(`${escaped(this.path)} has no tensor ${shown(name)}`);
    const tensor = this.tensors.get(name)!;
    const width = elementCount(info.shape.slice(1));
    const size = BYTES_PER_ELEMENT[info.dtype];
    const bytes = await this.read(name, tensor, (tensor.offset + start * width) * size, count * width * size);
    toFloat32(info.dtype, bytes, into);
  }

  digest(): Promise<string> {
    return fileDigests([{ path: this.path, stamp: this.stamp }]);
  }

  close(): Promise<void> {
    return this.file.close();
  }

  fileOf(): string {
    return this.path;
  }

  /** Bytes of a tensor's storage. */
  private async read(name: string, tensor: PickledTensor, first: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    try {
      await readFully(this.file, bytes, (await this.startOf(this.entryOf(tensor))) + first);
    } catch (error) {
      throw error instanceof CheckpointError ? error : unreadable(`${this.path}: tensor ${shown(name)}`, error);
    }
    return bytes;
  }

  private checkPlace(name: string, tensor: PickledTensor, bytesPerElement: number): void {
    if (!tensor.contiguous) throw this.unusable(name, "is a transposed view: call .contiguous() before saving");
    const end = (tensor.offset + elementCount(tensor.shape)) * bytesPerElement;
    const entry = this.entries.get(this.entryOf(tensor));
    if (entry && end <= entry.size) return;
    throw this.unusable(name, "has no data, or less than its shape asks for: download the file again");
  }

  private entryOf({ key }: PickledTensor): string {
    return `${this.folder}data/${key}`;
  }

  /** Where a storage's bytes begin. */
  private startOf(entry: string): Promise<number> {
    let start = this.starts.get(entry);
    if (!start) {
      start = entryStart(this.file, this.path, entry, this.entries.get(entry)!);
      this.starts.set(entry, start);
    }
    return start;
  }

  private unusable(name: string, what: string): CheckpointError {
    return new CheckpointError(`${escaped(this.path)}: tensor ${shown(name)} ${what}`);
  }
}

async function readEntry(
  file: FileHandle,
  path: string,
  name: string,
  entries: ReadonlyMap<string, ZipEntry>,
  limit: number,
): Promise<Uint8Array | undefined> {
  const entry = entries.get(name);
  if (!entry) return undefined;
  if (entry.size > limit) {
    throw new CheckpointError(
      `${escaped(path)}: the entry ${shown(name)} has ${entry.size} bytes, at most ${limit} are expected: is it a PyTorch file?`,
    );
  }
  const bytes = new Uint8Array(entry.size);
  await readFully(file, bytes, await entryStart(file, path, name, entry));
  return bytes;
}

async function refuseOldFormat(file: FileHandle, path: string): Promise<void> {
  const { buffer } = await file.read(Buffer.alloc(OLD_MAGIC.length / 2), 0, OLD_MAGIC.length / 2, 0);
  if (buffer.toString("hex") !== OLD_MAGIC) return;
  throw new CheckpointError(
    `${escaped(path)} is in the format of PyTorch before 1.6 (no zip archive), which is not read: load it in PyTorch and torch.save it again, or save it as safetensors`,
  );
}
