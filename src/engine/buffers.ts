import { Tensor, type TensorData } from "../runtime/tensor.js";

/** Above any second size (a vocabulary is the largest), so that no two shapes share a key. */
const MAX_SIZE = 2 ** 26;

/** Memory for tensors whose first free dimension changes from pass to pass: one array, one tensor for each size seen. */
export class GrowingBuffer<T extends TensorData> {
  data: T;
  private readonly tensors = new Map<number, Tensor>();

  /**
   * @param make allocates `length` elements
   * @param dims the shape of a tensor with the given keys (n, and a second size for matrices)
   */
  constructor(
    private readonly make: (length: number) => T,
    private readonly dims: (n: number, m: number) => number[],
    elements: number,
  ) {
    this.data = make(elements);
  }

  /** A tensor of n (by m) over the start of the buffer; grows it (contents are lost) when it is too small. */
  tensor(n: number, m = 1): Tensor {
    const key = n * MAX_SIZE + m;
    const known = this.tensors.get(key);
    if (known) return known;
    const dims = this.dims(n, m);
    const size = dims.reduce((product, dim) => product * dim, 1);
    if (size > this.data.length) {
      this.dispose();
      this.data = this.make(Math.max(size, 2 * this.data.length));
    }
    const tensor = new Tensor(this.data, dims);
    this.tensors.set(key, tensor);
    return tensor;
  }

  dispose(): void {
    for (const tensor of this.tensors.values()) tensor.dispose();
    this.tensors.clear();
  }
}

/** int64 numbers as JavaScript numbers: the low words of a little-endian array. Only non-negative values below 2^31. */
export class Int64Buffer extends GrowingBuffer<BigInt64Array> {
  private words: Int32Array;
  /** The array that `words` looks into: asking either for its buffer in every pass would cost more than the rest. */
  private seen: BigInt64Array;

  constructor(dims: (n: number, m: number) => number[], elements: number) {
    super((length) => new BigInt64Array(length), dims, elements);
    this.seen = this.data;
    this.words = new Int32Array(this.data.buffer);
  }

  override tensor(n: number, m = 1): Tensor {
    const tensor = super.tensor(n, m);
    if (this.seen !== this.data) {
      this.seen = this.data;
      this.words = new Int32Array(this.data.buffer);
    }
    return tensor;
  }

  set(index: number, value: number): void {
    this.words[2 * index] = value;
  }

  get(index: number): number {
    return this.words[2 * index];
  }
}
