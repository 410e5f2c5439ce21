import { targetStreamName } from "../models/onnx/contract.js";
import type { Tensor } from "../runtime/tensor.js";
import type { EagleLayer } from "../types/model-config.js";
import { allocateFloats } from "./allocate.js";
import { GrowingBuffer, Int64Buffer } from "./buffers.js";
import type { TokenRows } from "./rows.js";

const START_ROWS = 16;

/** Writes what rows of a draft layer read beside their tokens: the target's residual streams, or guesses. */
export class FeatureInputs {
  private readonly streams: readonly GrowingBuffer<Float32Array>[];
  private readonly guesses: GrowingBuffer<Float32Array>;
  private readonly rows = new Int64Buffer((n) => [n], START_ROWS);
  private readonly streamWidth: number;

  constructor(
    { targetLayers, targetHiddenSize }: EagleLayer,
    private readonly hiddenSize: number,
  ) {
    this.streamWidth = targetHiddenSize;
    const buffer = (width: number) =>
      new GrowingBuffer(
        (n) => allocateFloats(n, "the features of a pass"),
        (n) => [1, n, width],
        START_ROWS * width,
      );
    this.streams = targetLayers.map(() => buffer(targetHiddenSize));
    this.guesses = buffer(hiddenSize);
  }

  /** @param run rows of the pass: beyond the requests' own they are copies that nobody reads */
  prepare(requests: readonly TokenRows[], run: number, input: (name: string, tensor: Tensor) => void): void {
    const { streams, streamWidth: width, guesses, rows, hiddenSize } = this;
    // Before anything is written: a buffer that grows loses its contents.
    streams.forEach((stream, i) => {
      input(targetStreamName(i), stream.tensor(run));
    });
    input("guesses", guesses.tensor(run));
    input("feature_rows", rows.tensor(run));
    let row = 0;
    for (const { features = [] } of requests) {
      for (const feature of features) {
        if ("streams" in feature) {
          streams.forEach(({ data }, i) => {
            data.set(feature.streams.subarray(i * width, (i + 1) * width), row * width);
          });
          guesses.data.fill(0, row * hiddenSize, (row + 1) * hiddenSize);
          rows.set(row, row);
        } else {
          for (const { data } of streams) data.fill(0, row * width, (row + 1) * width);
          guesses.data.set(feature.guess, row * hiddenSize);
          rows.set(row, run + row);
        }
        row++;
      }
    }
    for (; row < run; row++) rows.set(row, 0);
  }

  dispose(): void {
    for (const stream of this.streams) stream.dispose();
    this.guesses.dispose();
    this.rows.dispose();
  }
}
