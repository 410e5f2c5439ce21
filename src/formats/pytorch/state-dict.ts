import { CheckpointError } from "../../types/errors.js";
import { escaped, shown } from "../../types/shown.js";
import { PersistentId, PickleGlobal, readPickle } from "./pickle.js";

/** A tensor of a state dict: a view of a storage, which several tensors may share. */
export interface PickledTensor {
  /** The storage's class or the dtype, as the pickle names it: "torch FloatStorage". */
  storage: string;
  /** The storage's file below data/ in the archive. */
  key: string;
  /** Elements before the tensor's first in its storage. */
  offset: number;
  shape: number[];
  /** Whether its elements follow each other as in a row-major array. */
  contiguous: boolean;
}

/** PyTorch's own limit. */
const MAX_DIMENSIONS = 64;

/**
 * The tensors that a pickled state dict names. The pickle is read, never executed: only containers and the functions
 * that rebuild tensors are known, anything else is refused.
 * @throws CheckpointError naming the file
 */
export function readStateDict(pickle: Uint8Array, path: string): Map<string, PickledTensor> {
  const value = readPickle(pickle, path, (callee, args) => rebuild(callee, args, path));
  const inner = value instanceof Map ? value.get("state_dict") : undefined;
  const named = inner instanceof Map ? inner : value;
  if (!(named instanceof Map)) throw new CheckpointError(`${escaped(path)} holds no dictionary of tensors`);
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
  // Dtypes that have no class of storage: the seventh argument names them.
  if (callee.name === "torch._utils _rebuild_tensor_v3" && args[6] instanceof PickleGlobal) {
    return { ...tensorFrom(args, path), storage: args[6].name };
  }
  // A tensor with attributes or of a subclass: [function, type, arguments, attributes].
  if (callee.name === "torch._tensor _rebuild_from_type_v2" && args[0] instanceof PickleGlobal) {
    if (args[0].name !== callee.name && Array.isArray(args[2])) return rebuild(args[0], args[2], path);
  }
  throw new CheckpointError(
    `${escaped(path)}: the pickle calls ${shown(callee.name)}, which weights do not need, refused: save them as safetensors`,
  );
}

function tensorFrom([storage, offset, shape, strides]: readonly unknown[], path: string): PickledTensor {
  const id = storage instanceof PersistentId && Array.isArray(storage.id) ? storage.id : [];
  const [kind, type, key] = id;
  if (
    kind !== "storage" ||
    !(type instanceof PickleGlobal) ||
    typeof key !== "string" ||
    !isSizes([offset]) ||
    !isSizes(shape) ||
    !isSizes(strides) ||
    shape.length !== strides.length
  ) {
    throw new CheckpointError(
      `${escaped(path)}: a tensor is not described as PyTorch does: save the weights as safetensors`,
    );
  }
  return { storage: type.name, key, offset: Number(offset), shape, contiguous: isContiguous(shape, strides) };
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== expected) return shape.includes(0);
    expected *= shape[i];
  }
  return true;
}

function isSizes(value: unknown): value is number[] {
  if (!Array.isArray(value) || value.length > MAX_DIMENSIONS) return false;
  return value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** What `tensorFrom` made; nothing else that a pickle builds has these fields. */
function isTensor(value: unknown): value is PickledTensor {
  return typeof value === "object" && value !== null && "storage" in value && "shape" in value;
}
