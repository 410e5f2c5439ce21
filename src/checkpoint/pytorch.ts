import { type FileHandle, open } from "node:fs/promises";
import { CheckpointError } from "../types/errors.js";
import { fileDigests } from "./digest.js";
import { fileStamp } from "./file-stamp.js";
import { BYTES_PER_ELEMENT, toFloat32 } from "./half-floats.js";
import { show, unreadable } from "./json.js";
import { PersistentId, PickleGlobal, readPickle } from "./pickle.js";
import { elementCount, type TensorDtype, type TensorInfo, type TensorSource } from "./tensor-source.js";
import { readZipDirectory, type ZipEntry } from "./zip.js";

/** The kinds of storage that hold weights. Other kinds (integers) are kept by name, for the error. */
const STORAGES: Readonly<Record<string, TensorDtype>> = {
  "torch FloatStorage": "F32",
  "torch HalfStorage": "F16",
  "torch BFloat16Storage": "BF16",
};
const MAX_PICKLE = 64 << 20;

interface PickledTensor {
  storage: string;
  key: string;
  /** Elements before the tensor's first in its storage. */
  offset: number;
  shape: number[];
}

/**
 * The tensors of a PyTorch file (torch.save of a state dict, zip format). The pickle inside is read, never executed:
 * only containers and the two functions that rebuild tensors are known, anything else is refused.
 */
export class PytorchFile implements TensorSource {
  /** Of the file when it was opened. */
  private stamp = "";

  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    private readonly tensors: ReadonlyMap<string, PickledTensor>,
    private readonly entries: ReadonlyMap<string, ZipEntry>,
    private readonly folder: string,
  ) {}

  /** @throws CheckpointError naming the file */
  static async open(path: string): Promise<PytorchFile> {
    let file: FileHandle;
    try {
      file = await open(path, "r");
    } catch (error) {
      throw unreadable(path, error);
    }
    try {
      const stamp = fileStamp(await file.stat({ bigint: true }));
      const entries = await readZipDirectory(file, path);
      const pickle = [...entries.keys()].find((name) => name === "data.pkl" || name.endsWith("/data.pkl"));
      if (pickle === undefined) throw new CheckpointError(`${path} has no data.pkl: it is no PyTorch file`);
      const folder = pickle.slice(0, -"data.pkl".length);
      await checkByteOrder(file, path, entries.get(`${folder}byteorder`));
      const { start, size } = entries.get(pickle)!;
      if (size > MAX_PICKLE)
        throw new CheckpointError(`${path}: its pickle has ${size} bytes, too many for weights' names`);
      const bytes = new Uint8Array(size);
      await file.read(bytes, 0, size, start);
      const opened = new PytorchFile(path, file, tensorsOf(bytes, path), entries, folder);
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

  info(name: string): TensorInfo | undefined {
    const tensor = this.tensors.get(name);
    if (!tensor) return undefined;
    const dtype = STORAGES[tensor.storage];
    if (!dtype) {
      throw new CheckpointError(
        `${this.path}: tensor ${show(name)} is a ${tensor.storage}, expected float, half or bfloat16`,
      );
    }
    return { dtype, shape: tensor.shape };
  }

  async readRows(name: string, start: number, count: number, into: Float32Array): Promise<void> {
    const { dtype, shape } = this.info(name)!;
    const { key, offset } = this.tensors.get(name)!;
    const entry = this.entries.get(`${this.folder}data/${key}`);
    const width = elementCount(shape.slice(1));
    const bytes = new Uint8Array(count * width * BYTES_PER_ELEMENT[dtype]);
    const first = (offset + start * width) * BYTES_PER_ELEMENT[dtype];
    if (!entry || first + bytes.length > entry.size) {
      throw new CheckpointError(`${this.path}: the data of tensor ${show(name)} is missing or too short`);
    }
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await this.file.read(bytes, done, bytes.length - done, entry.start + first + done);
      if (bytesRead === 0) throw new CheckpointError(`${this.path} ends early: download it again`);
      done += bytesRead;
    }
    toFloat32(dtype, bytes, into);
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
}

async function checkByteOrder(file: FileHandle, path: string, entry: ZipEntry | undefined): Promise<void> {
  if (!entry) return;
  const bytes = Buffer.alloc(Math.min(entry.size, 16));
  await file.read(bytes, 0, bytes.length, entry.start);
  if (bytes.toString("latin1") !== "little") throw new CheckpointError(`${path} has big-endian weights: save it again`);
}

function tensorsOf(pickle: Uint8Array, path: string): Map<string, PickledTensor> {
  const value = readPickle(pickle, path, (callee, args) => rebuild(callee, args, path));
  const named = value instanceof Map && value.get("state_dict") instanceof Map ? value.get("state_dict") : value;
  if (!(named instanceof Map)) throw new CheckpointError(`${path} holds no dictionary of tensors`);
  const tensors = new Map<string, PickledTensor>();
  for (const [name, tensor] of named) {
    if (typeof name === "string" && isTensor(tensor)) tensors.set(name, tensor);
  }
  return tensors;
}

/** What the few callables of a state dict make. */
function rebuild(callee: PickleGlobal, args: readonly unknown[], path: string): unknown {
  if (callee.name === "collections OrderedDict" && args.length === 0) return new Map();
  if (callee.name === "torch._utils _rebuild_parameter" && isTensor(args[0])) return args[0];
  if (callee.name === "torch._utils _rebuild_tensor_v2") return tensorFrom(args, path);
  throw new CheckpointError(
    `${path}: the pickle calls ${callee.name}, which weights do not need, refused: save them as safetensors`,
  );
}

function tensorFrom([storage, offset, shape, strides]: readonly unknown[], path: string): PickledTensor {
  const id = storage instanceof PersistentId && Array.isArray(storage.id) ? storage.id : [];
  const [kind, type, key] = id;
  const sizes = (value: unknown): value is number[] =>
    Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (
    kind !== "storage" ||
    !(type instanceof PickleGlobal) ||
    typeof key !== "string" ||
    !sizes([offset]) ||
    !sizes(shape) ||
    !sizes(strides)
  ) {
    throw new CheckpointError(`${path}: a tensor is not described as PyTorch does: save the weights as safetensors`);
  }
  const contiguous = shape.every((size, i) => size === 1 || strides[i] === elementCount(shape.slice(i + 1)));
  if (!contiguous) throw new CheckpointError(`${path} holds a transposed view: call .contiguous() before saving`);
  return { storage: type.name, key, offset: Number(offset), shape };
}

function isTensor(value: unknown): value is PickledTensor {
  return typeof value === "object" && value !== null && "storage" in value && "shape" in value;
}
