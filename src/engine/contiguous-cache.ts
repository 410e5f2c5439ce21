import { Tensor } from "../runtime/tensor.js";
import type { ModelConfig } from "../types/model-config.js";
import { outOfMemory } from "./allocate.js";
import type { KvCache } from "./kv-cache.js";

/**
 * A cache for ONNX Runtime's own attention: for each layer two arrays [kvHeads, capacity, headDim], bound as past and present
 * at once, so that a pass writes in place. Memory that no row has touched costs nothing.
 */
export class ContiguousCache implements KvCache {
  /** [layer 0 keys, layer 0 values, layer 1 keys, ...], each a tensor [1, kvHeads, capacity, headDim]. */
  readonly tensors: readonly Tensor[];
  private readonly arrays: readonly Float32Array[];
  private readonly heads: number;
  private readonly width: number;

  constructor(
    config: ModelConfig,
    readonly capacity: number,
    private readonly giveBack: (cache: ContiguousCache) => void,
  ) {
    this.heads = config.numKvHeads;
    this.width = config.headDim;
    const size = this.heads * capacity * this.width;
    const count = 2 * config.numLayers;
    try {
      this.arrays = Array.from({ length: count }, () => new Float32Array(size));
    } catch {
      throw outOfMemory(4 * count * size, `the keys and values of a sequence of ${capacity} tokens`);
    }
    this.tensors = this.arrays.map((data) => new Tensor(data, [1, this.heads, capacity, this.width]));
  }

  /** All of its slots may be written. */
  reserve(): void {}

  moveRow(from: number, to: number): void {
    const { capacity, width } = this;
    for (const array of this.arrays) {
      for (let h = 0; h < this.heads; h++) {
        const head = h * capacity;
        array.copyWithin((head + to) * width, (head + from) * width, (head + from + 1) * width);
      }
    }
  }

  copyFrom(source: ContiguousCache, rows: number): void {
    const { capacity, width } = this;
    this.arrays.forEach((array, i) => {
      for (let h = 0; h < this.heads; h++) {
        const start = h * capacity * width;
        array.set(source.arrays[i].subarray(start, start + rows * width), start);
      }
    });
  }

  read(index: number, rows: number): Float32Array {
    const out = new Float32Array(this.heads * rows * this.width);
    for (let h = 0; h < this.heads; h++) {
      const start = h * this.capacity * this.width;
      out.set(this.arrays[index].subarray(start, start + rows * this.width), h * rows * this.width);
    }
    return out;
  }

  release(): void {
    this.giveBack(this);
  }

  dispose(): void {
    for (const tensor of this.tensors) tensor.dispose();
  }
}
