import { RuntimeError } from "../types/errors.js";
import { out } from "./ort-error.js";
import { ort } from "./ort-library.js";

export type TensorData =
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Int8Array
  | Uint16Array;

/** ONNXTensorElementDataType. */
const ELEMENT_TYPES = { f32: 1, u8: 2, i8: 3, u16: 4, i32: 6, i64: 7, f16: 10, f64: 11, bf16: 16 } as const;
export type TensorType = keyof typeof ELEMENT_TYPES;

let memoryInfo: bigint | undefined;

/** Releases values whose tensors were collected without dispose(). */
const collected = new FinalizationRegistry<bigint>((handle) => ort().ReleaseValue(handle));

/**
 * A typed array and the OrtValue that points into it, kept together: ORT stores the raw address, so the array must
 * live as long as the value. The array may be larger than the shape; one buffer can back many shapes.
 */
export class Tensor {
  private value: bigint | undefined;

  /** @throws RuntimeError when the array is smaller than the shape. */
  constructor(
    readonly data: TensorData,
    readonly dims: readonly number[],
    readonly type: TensorType = typeOf(data),
  ) {
    const elements = dims.reduce((product, dim) => product * dim, 1);
    if (dims.some((dim) => !Number.isInteger(dim) || dim < 0) || elements > data.length) {
      throw new RuntimeError(`a tensor of shape [${dims}] does not fit an array of ${data.length} elements`);
    }
    const api = ort();
    memoryInfo ??= out(api.CreateCpuMemoryInfo, 0, 0);
    const shape = BigInt64Array.from(dims, BigInt);
    const bytes = elements * data.BYTES_PER_ELEMENT;
    const kind = ELEMENT_TYPES[type];
    this.value = out(api.CreateTensorWithDataAsOrtValue, memoryInfo, data, bytes, shape, shape.length, kind);
    collected.register(this, this.value, this);
  }

  /** The OrtValue. @throws RuntimeError after dispose. */
  get handle(): bigint {
    if (this.value === undefined) throw new RuntimeError("the tensor was disposed");
    return this.value;
  }

  get live(): boolean {
    return this.value !== undefined;
  }

  dispose(): void {
    if (this.value === undefined) return;
    collected.unregister(this);
    ort().ReleaseValue(this.value);
    this.value = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function typeOf(data: TensorData): TensorType {
  if (data instanceof Float32Array) return "f32";
  if (data instanceof Float64Array) return "f64";
  if (data instanceof Int32Array) return "i32";
  if (data instanceof BigInt64Array) return "i64";
  if (data instanceof Uint8Array) return "u8";
  if (data instanceof Int8Array) return "i8";
  throw new RuntimeError("16-bit data needs an explicit type: f16, bf16 or u16");
}
