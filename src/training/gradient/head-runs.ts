import { Tensor, type TensorData } from "../../runtime/tensor.js";
import type { DecoderHead } from "./decoder-head.js";
import type { GraphSession } from "./gradient-graph.js";
import { lossNames, measureName } from "./layer-graphs.js";

/** Numbers of each of the largest intermediate results, such as logits: 32 MiB. */
const NUMBERS = 2 ** 23;

/** A decoder's head over a batch, so many rows at a time that its logits stay small. */
export class HeadRuns {
  private readonly inputs: Record<string, Float32Array | BigInt64Array>;
  private readonly measures: Record<string, Float32Array> = {};
  private readonly scalars = new Map<string, Float32Array>();
  /** Tensors of each stretch of rows, by name. */
  private readonly stretches: Record<string, Tensor>[];
  private readonly shared: Tensor[] = [];

  /**
   * @param rows that the head reads, [count, hiddenSize]
   * @param gradient where theirs goes
   */
  constructor(
    head: DecoderHead,
    private readonly parts: { head: GraphSession; headBack: GraphSession },
    rows: Tensor,
    gradient: Tensor,
  ) {
    const [count] = rows.dims;
    const widths = Object.entries(head.inputs).map(([name, { type, width }]) => ({ name, type, width }));
    this.inputs = Object.fromEntries(
      widths.map(({ name, type, width = 1 }) => {
        return [name, type === "f32" ? new Float32Array(count * width) : new BigInt64Array(count * width)];
      }),
    );
    for (const output of parts.head.outputs) {
      if (output.startsWith(measureName(""))) this.measures[output] = new Float32Array(count);
      else this.addScalar(output);
    }
    for (const input of parts.headBack.inputs) if (input.startsWith(lossNames("").weight)) this.addScalar(input);
    const step = Math.max(1, Math.floor(NUMBERS / head.rowSize));
    this.stretches = Array.from({ length: Math.ceil(count / step) }, (_, i) => {
      const [from, to] = [i * step, Math.min(count, (i + 1) * step)];
      const part = (data: TensorData, width: number | undefined) => {
        const dims = width === undefined ? [to - from] : [to - from, width];
        return new Tensor(data.subarray(from * (width ?? 1), to * (width ?? 1)) as TensorData, dims);
      };
      return {
        x: part(rows.data, rows.dims[1]),
        dx: part(gradient.data, rows.dims[1]),
        ...Object.fromEntries(widths.map(({ name, width }) => [name, part(this.inputs[name], width)])),
        ...Object.fromEntries(Object.entries(this.measures).map(([name, data]) => [name, part(data, undefined)])),
      };
    });
  }

  input(name: string): Float32Array | BigInt64Array {
    return this.inputs[name];
  }

  measured(name: string): Float32Array {
    return this.measures[measureName(name)];
  }

  async addGradients(weights: Readonly<Record<string, number>>, signal?: AbortSignal): Promise<Record<string, number>> {
    for (const [name, weight] of Object.entries(weights)) this.scalars.get(lossNames(name).weight)![0] = weight;
    return this.run(this.parts.headBack, signal);
  }

  measure(signal?: AbortSignal): Promise<Record<string, number>> {
    return this.run(this.parts.head, signal);
  }

  dispose(): void {
    for (const stretch of this.stretches) for (const tensor of Object.values(stretch)) tensor.dispose();
    for (const tensor of this.shared) tensor.dispose();
  }

  private async run(part: GraphSession, signal?: AbortSignal): Promise<Record<string, number>> {
    const sums: Record<string, number> = {};
    const prefix = lossNames("").loss;
    for (const stretch of this.stretches) {
      for (const [name, tensor] of Object.entries(stretch)) part.bind(name, tensor);
      await part.run(signal);
      for (const [name, [value]] of this.scalars) {
        if (!name.startsWith(prefix)) continue;
        const loss = name.slice(prefix.length);
        sums[loss] = (sums[loss] ?? 0) + value;
      }
    }
    return sums;
  }

  private addScalar(name: string): void {
    const data = new Float32Array(1);
    const tensor = new Tensor(data, []);
    this.scalars.set(name, data);
    this.shared.push(tensor);
    for (const part of [this.parts.head, this.parts.headBack]) part.bind(name, tensor);
  }
}
