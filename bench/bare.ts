import type { LanguageModel } from "../src/index.js";
import { cacheNames } from "../src/models/onnx/contract.js";
import { buildDecoder } from "../src/models/onnx/decoder.js";
import { rotaryTables } from "../src/models/rotary.js";
import { Binding } from "../src/runtime/binding.js";
import { Session } from "../src/runtime/session.js";
import { Tensor, type TensorData } from "../src/runtime/tensor.js";

/** The product's graph run without the product: fixed tensors, one native call. The yardstick for overhead. */
export class BareSession {
  private constructor(
    private readonly session: Session,
    private readonly lm: LanguageModel,
    private readonly capacity: number,
  ) {}

  static async open(lm: LanguageModel, capacity: number): Promise<BareSession> {
    const { manifest, directory, config, vocabLimit } = lm.model.options;
    const { bytes } = buildDecoder(config, manifest, { sequences: 1, vocabLimit });
    return new BareSession(await Session.create({ bytes, weightsDirectory: directory }), lm, capacity);
  }

  /** A call that runs a pass of n chained rows after `past`, all asking for their argmax. */
  pass(n: number, past: number): () => void {
    const { config } = this.lm;
    const capacity = this.capacity;
    const attended = Math.max(2, n);
    const i64 = (length: number, value: (i: number) => number) =>
      BigInt64Array.from({ length }, (_, i) => BigInt(value(i)));
    const { cos, sin } = rotaryTables(config, capacity);
    const rotary = [capacity, config.headDim / 2];
    const inputs: Record<string, [TensorData, number[]]> = {
      ids: [i64(n, (i) => (i * 37 + 11) % config.vocabSize), [1, n]],
      restore: [i64(n, (i) => i), [n]],
      head_rows: [i64(n, (i) => i), [n]],
      top_rows: [i64(n, (i) => i), [n]],
      lse_rows: [new BigInt64Array(1), [0]],
      hidden_rows: [new BigInt64Array(1), [0]],
      k: [i64(1, () => 1), [1]],
      zero_points: [new Uint8Array(n).fill(128), [n]],
      head_zero_points: [new Uint8Array(n).fill(128), [n]],
      cos: [cos, rotary],
      sin: [sin, rotary],
      attend_0: [i64(attended, (i) => Math.min(i, n - 1)), [attended]],
      positions_0: [i64(attended, (i) => past + i), [1, attended]],
      bias_0: [new Float32Array(attended * capacity), [1, 1, attended, capacity]],
      last_0: [Int32Array.of(past + attended - 1), [1]],
      capacity_0: [Int32Array.of(capacity), []],
    };
    const outputs: Record<string, [TensorData, number[]]> = {
      hidden: [new Float32Array(1), [1, 0, config.hiddenSize]],
      logits: [new Float32Array(n * config.vocabSize), [1, n, config.vocabSize]],
      top_values: [new Float32Array(n), [1, n, 1]],
      top_ids: [new BigInt64Array(n), [1, n, 1]],
      lse: [new Float32Array(1), [1, 0]],
    };
    const binding = new Binding(this.session);
    const dims = [1, config.numKvHeads, capacity, config.headDim];
    for (let layer = 0; layer < config.numLayers; layer++) {
      for (const name of Object.values(cacheNames(layer, 0))) {
        // Filled: untouched memory would be one shared page of zeros, free to read.
        const tensor = new Tensor(new Float32Array(dims[1] * dims[2] * dims[3]).fill(0.01), dims);
        binding.setInput(this.session.inputNames.indexOf(name), tensor);
        binding.setOutput(this.session.outputNames.indexOf(`${name}_out`), tensor);
      }
    }
    this.session.inputNames.forEach((name, i) => {
      if (inputs[name]) binding.setInput(i, new Tensor(...inputs[name]));
    });
    this.session.outputNames.forEach((name, i) => {
      if (outputs[name]) binding.setOutput(i, new Tensor(...outputs[name]));
    });
    return () => binding.run();
  }

  dispose(): void {
    this.session.dispose();
  }
}
