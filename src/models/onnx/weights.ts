import { ELEMENT_TYPES, type OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import { ForetokenError } from "../../types/errors.js";
import { Q4_BLOCK, TILE, type WeightManifest, type WeightSpec } from "../weight-spec.js";

const CONTRIB = "com.microsoft";
/** The domain of the operators in native/. */
export const FORETOKEN = "foretoken";
/** Level 4 rounds activations to int8; lower levels are several times slower. */
const Q4_ACCURACY_LEVEL = 4;
/** Keeps the scale of an all-zero row from being 0. */
const TINY = 1e-30;

/** A product x W^T with tiled weights, and what it takes in: all but `x` and `weight` optional. */
interface SkinnyProduct {
  x: string;
  weight: string;
  /** The weight of a second product: the result is silu(x W^T) * (x Up^T). */
  up?: string;
  /** Then x / sqrt(mean(x^2) + epsilon) * gain is multiplied. */
  gain?: string;
  epsilon?: number;
  /** Added to x before; the sum is an output. */
  update?: string;
  sum?: string;
  /** Name of the result. Default: the weight's with ".out", or ".swiglu". */
  output?: string;
}

/** Adds weights and products to a graph, in the manifest's dtype. Products that read the same rows share their quantised form. */
export class OnnxWeights {
  private readonly quantised = new Map<string, { rows: string; scale: string }>();

  /** Input width K and output width N of each product: stored are whole blocks and tiles, so their shapes do not say. */
  private readonly widths = new Map<string, number>();
  private readonly outputs = new Map<string, number>();
  private readonly uses = new Map<string, number>();

  constructor(
    readonly graph: OnnxGraph,
    private readonly manifest: WeightManifest,
    specs: readonly WeightSpec[],
  ) {
    for (const spec of specs) {
      if (spec.kind !== "linear") continue;
      this.widths.set(spec.name, spec.in);
      this.outputs.set(spec.name, spec.out);
    }
  }

  /** Whether the weight file has a tensor `name`. */
  has(name: string): boolean {
    return name in this.manifest.tensors;
  }

  /** The stored tensor `name` as an initializer that refers to the weight file. */
  weight(name: string): string {
    const tensor = this.manifest.tensors[name];
    if (!tensor) throw new ForetokenError(`the weight file has no tensor "${name}": convert the checkpoint again`);
    return this.graph.externalInitializer(name, tensor.type, tensor.shape, {
      location: this.manifest.file,
      offset: String(tensor.offset),
      length: String(tensor.length),
      ...tensor.extra,
    });
  }

  /** Rows `ids` of the table `name`, as 32-bit floats [1, R, columns]. The table keeps the checkpoint's own dtype. */
  embed(name: string): string {
    const rows = this.graph.node("Gather", [this.weight(name), "ids"], [`${name}.rows`], { axis: 0 });
    if (this.manifest.tensors[name].type === "f32") return rows;
    return this.graph.node("Cast", [rows], [`${name}.out`], { to: ELEMENT_TYPES.f32 });
  }

  /**
   * y = x W^T, plus the bias `${name}.bias` where there is one. x is [1, rows, K].
   * @param zeroPoints names the input of as many 128s as there are rows
   */
  linear(x: string, name: string, zeroPoints = "zero_points"): string {
    const use = (this.uses.get(name) ?? 0) + 1;
    this.uses.set(name, use);
    const output = use === 1 ? name : `${name}.${use}`;
    if (this.skinny) return this.skinnyProduct({ x, weight: name, output: `${output}.out` });
    const product = this.product(x, name, zeroPoints, `${output}.out`);
    if (!this.has(`${name}.bias`)) return product;
    return this.graph.node("Add", [product, this.weight(`${name}.bias`)], [`${output}.biased`]);
  }

  private product(x: string, name: string, zeroPoints: string, output: string): string {
    const { product } = this.manifest;
    if (product === "MatMul") return this.graph.node("MatMul", [x, this.weight(name)], [output]);
    if (product === "MatMulIntegerToFloat") return this.int8Product(x, name, zeroPoints, output);
    const N = this.manifest.tensors[`${name}.q`].shape[0];
    return this.graph.node(
      "MatMulNBits",
      [x, this.weight(`${name}.q`), this.weight(`${name}.scale`)],
      [output],
      { K: this.widths.get(name)!, N, bits: 4, block_size: Q4_BLOCK, accuracy_level: Q4_ACCURACY_LEVEL },
      CONTRIB,
    );
  }

  /** A SkinnyMatMul node; native/src/skinny_matmul.c says what it takes in. */
  skinnyProduct(product: SkinnyProduct): string {
    const { x, weight, up, gain = "", update = "", epsilon, sum } = product;
    const none = { tiles: "", bias: "" };
    const [of, ofUp] = [this.tiles(weight), up === undefined ? none : this.tiles(up)];
    const inputs = [x, of.tiles, of.bias, ofUp.tiles, ofUp.bias, gain, update];
    while (inputs.at(-1) === "") inputs.pop();
    const { output = up === undefined ? `${weight}.out` : `${weight}.swiglu` } = product;
    const attributes = {
      ...this.tiledShape(weight),
      ...(epsilon === undefined ? {} : { epsilon: { float: epsilon } }),
    };
    return this.graph.node("SkinnyMatMul", inputs, sum === undefined ? [output] : [output, sum], attributes, FORETOKEN);
  }

  /** Whether products are SkinnyMatMul's. */
  get skinny(): boolean {
    return this.manifest.product === "SkinnyMatMul";
  }

  /** A tiled weight, and its bias or "". */
  tiles(name: string): { tiles: string; bias: string } {
    return {
      tiles: this.weight(`${name}.tiles`),
      bias: this.has(`${name}.bias`) ? this.weight(`${name}.bias`) : "",
    };
  }

  /** The attributes that tell a tiled weight's shape. */
  tiledShape(name: string): { K: number; N: number; bits: number } {
    const [, , bytes] = this.manifest.tensors[`${name}.tiles`].shape;
    return { K: this.widths.get(name)!, N: this.outputs.get(name)!, bits: bytes === TILE.bytes.q4 ? 4 : 8 };
  }

  private int8Product(x: string, name: string, zeroPoints: string, output: string): string {
    const { rows, scale } = this.quantise(x, zeroPoints);
    const g = this.graph;
    const inputs = [rows, this.weight(`${name}.q`), one(g), this.weight(`${name}.scale`), zero128(g)];
    if (!this.manifest.q8Signed) inputs.push(zero128(g));
    const product = g.node("MatMulIntegerToFloat", inputs, [`${output}.int`], {}, CONTRIB);
    return g.node("Mul", [product, scale], [output]);
  }

  /** Rows of x as u8 around 128, with a scale per row. A row's result depends on that row only. */
  private quantise(x: string, zeroPoints: string): { rows: string; scale: string } {
    const known = this.quantised.get(x);
    if (known) return known;
    const g = this.graph;
    const axis = g.initializer("last_axis", "i64", [1], BigInt64Array.of(-1n));
    const flat = g.initializer("flat", "i64", [1], BigInt64Array.of(-1n));
    const tiny = g.initializer("tiny", "f32", [], Float32Array.of(TINY));
    const inverse = g.initializer("one_127th", "f32", [], Float32Array.of(1 / 127));
    const magnitude = g.node("Abs", [x], [`${x}.abs`]);
    const largest = g.node("ReduceMax", [magnitude, axis], [`${x}.max`], { keepdims: 1 });
    const positive = g.node("Max", [largest, tiny], [`${x}.max_positive`]);
    const scale = g.node("Mul", [positive, inverse], [`${x}.row_scale`]);
    const scales = g.node("Reshape", [scale, flat], [`${x}.row_scales`]);
    const rows = g.node("QuantizeLinear", [x, scales, zeroPoints], [`${x}.rows`], { axis: 1 });
    const result = { rows, scale };
    this.quantised.set(x, result);
    return result;
  }
}

function one(g: OnnxGraph): string {
  return g.initializer("one", "f32", [], Float32Array.of(1));
}

function zero128(g: OnnxGraph): string {
  return g.initializer("zero_128", "u8", [], Uint8Array.of(128));
}
