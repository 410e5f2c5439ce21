import type { Rotation } from "../conversion/rotation.js";
import { auxiliaryName } from "../models/onnx/contract.js";
import type { Tensor } from "../runtime/tensor.js";
import { RuntimeError } from "../types/errors.js";
import { allocateFloats } from "./allocate.js";
import { GrowingBuffer } from "./buffers.js";

const START_ROWS = 16;

/** The residual streams that a graph gives for the rows that ask for them (models/onnx/auxiliary.ts). */
export class AuxiliaryRows {
  private readonly buffers: readonly GrowingBuffer<Float32Array>[];

  /**
   * @param layers after how many layers each stream is taken
   * @param rotation that the weights' basis was changed by, if it was
   */
  constructor(
    private readonly layers: readonly number[],
    private readonly width: number,
    private readonly rotation: Rotation | undefined,
  ) {
    const floats = (n: number) => allocateFloats(n, "the residual streams of a pass");
    this.buffers = layers.map(() => new GrowingBuffer(floats, (n) => [1, n, width], START_ROWS * width));
  }

  bind(rows: number, output: (name: string, tensor: Tensor) => void): void {
    this.buffers.forEach((buffer, i) => {
      output(auxiliaryName(i), buffer.tensor(rows));
    });
  }

  /** One row of a stream, in the basis of the checkpoint: a view, or a copy where the weights have another basis. */
  row(index: number, layers: number): Float32Array {
    const place = this.layers.indexOf(layers);
    if (place < 0) throw new RuntimeError(`the pass gave no residual stream after ${layers} layers: capture it before`);
    const view = this.buffers[place].data.subarray(index * this.width, (index + 1) * this.width);
    if (!this.rotation) return view;
    const row = view.slice();
    this.rotation.undo(row);
    return row;
  }

  dispose(): void {
    for (const buffer of this.buffers) buffer.dispose();
  }
}
