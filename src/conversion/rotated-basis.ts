import type { TensorSource } from "../formats/tensor-source.js";
import type { LinearSpec, MlpChannels, VectorSpec, WeightSpec } from "../models/weight-spec.js";
import { Rotation } from "./rotation.js";

/** Changes rows [first, first + count) of a weight, in place. */
export type RowChange = (rows: Float32Array, first: number, count: number) => void;

/**
 * The same model in a basis where int8 rows lose less. The residual stream is rotated, so that no channel stands out:
 * norm gains move into the products that read the stream (a norm without gain commutes with a rotation), and what
 * writes to it is rotated. Channels between up and down are scaled to be of one size. docs/dtypes.md has what it brings.
 */
export class RotatedBasis {
  private readonly rotations = new Map<number, Rotation>();
  private readonly gains = new Map<string, Promise<Float32Array>>();
  private readonly scales = new Map<string, Promise<Float32Array>>();

  constructor(private readonly source: TensorSource) {}

  /** How a weight's rows change. Rows that write to the residual stream must come all at once. */
  async change(spec: WeightSpec): Promise<RowChange | undefined> {
    if (spec.kind === "linear") return this.linear(spec);
    if (spec.kind === "vector") return this.vector(spec);
    if (spec.kind === "embedding" && spec.apart) return undefined;
    if (spec.kind === "embedding") return (rows, _, count) => this.rotation(spec.columns).rows(rows, count);
    const gain = await this.read(spec.gain);
    return (rows) => {
      rows.set(this.rotation(spec.width).transposed());
      for (let i = 0; i < rows.length; i++) rows[i] *= gain[i % spec.width];
    };
  }

  private async linear({ in: width, normGain, intoResidual, channels }: LinearSpec): Promise<RowChange> {
    const gain = normGain ? await this.read(normGain) : undefined;
    const scale = channels ? await this.channelScales(channels.of) : undefined;
    return (rows, first, count) => {
      if (gain) {
        for (let i = 0; i < count * width; i++) rows[i] *= gain[i % width];
        this.rotation(width).rows(rows, count);
      }
      if (scale && channels?.side === "in") for (let i = 0; i < count * width; i++) rows[i] *= scale[i % width];
      if (scale && channels?.side === "out") {
        for (let i = 0; i < count * width; i++) rows[i] /= scale[first + Math.floor(i / width)];
      }
      if (intoResidual) this.rotation(count).columns(rows, width);
    };
  }

  private async vector({ length, role, channels }: VectorSpec): Promise<RowChange> {
    const scale = channels ? await this.channelScales(channels) : undefined;
    return (values, first, count) => {
      if (role === "gain") values.fill(1, 0, count);
      if (role === "intoResidual") this.rotation(length).rows(values, 1);
      if (scale) for (let i = 0; i < count; i++) values[i] /= scale[first + i];
    };
  }

  /**
   * The size that each channel between up and down is divided by: activations grow with the norms of its rows in up and
   * gate, weights with its column in down; the root of their ratio gives both the same spread.
   */
  private channelScales(of: MlpChannels): Promise<Float32Array> {
    let scales = this.scales.get(of.down);
    if (!scales) {
      scales = this.computeScales(of);
      this.scales.set(of.down, scales);
    }
    return scales;
  }

  private async computeScales({ up, gate, down, gain }: MlpChannels): Promise<Float32Array> {
    const gains = await this.read(gain);
    const [ups, gates, downs] = [await this.read(up), await this.read(gate), await this.read(down)];
    const width = gains.length;
    const channels = ups.length / width;
    return Float32Array.from({ length: channels }, (_, c) => {
      let [u, g, d] = [0, 0, 0];
      for (let i = 0; i < width; i++) {
        u += (ups[c * width + i] * gains[i]) ** 2;
        g += (gates[c * width + i] * gains[i]) ** 2;
        d += downs[i * channels + c] ** 2;
      }
      const scale = Math.sqrt(Math.sqrt(u * g) / Math.sqrt(d));
      // A channel that is always zero has no size.
      return scale > 0 && Number.isFinite(scale) ? scale : 1;
    });
  }

  private rotation(order: number): Rotation {
    let rotation = this.rotations.get(order);
    if (!rotation) {
      rotation = new Rotation(order);
      this.rotations.set(order, rotation);
    }
    return rotation;
  }

  /** A whole tensor; gains are asked for again and again and kept. */
  private read(tensor: string): Promise<Float32Array> {
    const { shape } = this.source.info(tensor)!;
    const known = this.gains.get(tensor);
    if (known) return known;
    const values = new Float32Array(shape.reduce((product, dim) => product * dim, 1));
    const read = this.source.readRows(tensor, 0, shape[0], values).then(() => values);
    if (shape.length === 1) this.gains.set(tensor, read);
    return read;
  }
}
