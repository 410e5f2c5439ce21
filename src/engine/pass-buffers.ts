import type { ModelConfig } from "../types/model-config.js";
import { allocateFloats } from "./allocate.js";
import { GrowingBuffer, Int64Buffer } from "./buffers.js";

const START_ROWS = 16;

/** The inputs and outputs of a pass that do not depend on its attention; reused by every pass. */
export class PassBuffers {
  readonly ids = new Int64Buffer((n) => [1, n], START_ROWS);
  readonly headRows = new Int64Buffer((n) => [n], START_ROWS);
  readonly logitRows = new Int64Buffer((n) => [n], START_ROWS);
  readonly topRows = new Int64Buffer((n) => [n], START_ROWS);
  readonly lseRows = new Int64Buffer((n) => [n], START_ROWS);
  readonly hiddenRows = new Int64Buffer((n) => [n], START_ROWS);
  readonly k = new Int64Buffer((n) => [n], 1);
  readonly zeroPoints = new GrowingBuffer(
    (n) => new Uint8Array(n).fill(128),
    (n) => [n],
    START_ROWS,
  );

  readonly logits: GrowingBuffer<Float32Array>;
  readonly topValues: GrowingBuffer<Float32Array>;
  readonly topIds: Int64Buffer;
  readonly lse: GrowingBuffer<Float32Array>;
  readonly hidden: GrowingBuffer<Float32Array>;

  constructor(config: ModelConfig) {
    const floats = (n: number) => allocateFloats(n, "the results of a pass");
    this.logits = new GrowingBuffer(floats, (n) => [1, n, config.vocabSize], START_ROWS * config.vocabSize);
    this.topValues = new GrowingBuffer(floats, (n, k) => [1, n, k], START_ROWS);
    this.topIds = new Int64Buffer((n, k) => [1, n, k], START_ROWS);
    this.lse = new GrowingBuffer(floats, (n) => [1, n], START_ROWS);
    this.hidden = new GrowingBuffer(floats, (n) => [1, n, config.hiddenSize], START_ROWS * config.hiddenSize);
  }

  dispose(): void {
    for (const value of Object.values(this)) {
      if (value instanceof GrowingBuffer) value.dispose();
    }
  }
}
