import pb from "protobufjs/minimal.js";

/** Element types of ONNX tensors used here, with their TensorProto.DataType numbers. */
export const ELEMENT_TYPES = {
  f32: 1,
  u8: 2,
  i8: 3,
  u16: 4,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  f64: 11,
  bf16: 16,
} as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

/** A dimension: a size, or a name for one that is known at run time only. */
export type Dim = number | string;

/** An ONNX attribute: integer, { float }, list of integers, or string. */
export type Attribute = number | { float: number } | readonly number[] | string;

/** Where an initializer's bytes lie outside the model: ONNX external_data entries (location, offset, length, ...). */
export type ExternalData = Readonly<Record<string, string>>;

interface ValueInfo {
  name: string;
  type: ElementType;
  dims: readonly Dim[];
}
interface Initializer {
  name: string;
  type: ElementType;
  dims: readonly number[];
  data: ArrayBufferView | null;
  external?: ExternalData;
}
interface Node {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
  domain: string;
}

const OPSET = 21;
const IR_VERSION = 10;
const VARINT = 0;
const BYTES = 2;
const FLOAT32 = 5;

/** Builds one ONNX graph and writes it as a ModelProto. Field numbers are those of onnx.proto3. */
export class OnnxGraph {
  private nodes: Node[] = [];
  private readonly initializers = new Map<string, Initializer>();
  private inputs: ValueInfo[] = [];
  private readonly outputs: ValueInfo[] = [];

  get inputNames(): string[] {
    return this.inputs.map((value) => value.name);
  }

  get outputNames(): string[] {
    return this.outputs.map((value) => value.name);
  }

  input(name: string, type: ElementType, dims: readonly Dim[]): string {
    this.inputs.push({ name, type, dims });
    return name;
  }

  output(name: string, type: ElementType, dims: readonly Dim[]): string {
    this.outputs.push({ name, type, dims });
    return name;
  }

  /** A constant inside the model. Declaring the same name again is a no-op, so helpers can ask for what they need. */
  initializer(name: string, type: ElementType, dims: readonly number[], data: ArrayBufferView): string {
    if (!this.initializers.has(name)) this.initializers.set(name, { name, type, dims, data });
    return name;
  }

  /** A constant whose bytes lie in another file. */
  externalInitializer(name: string, type: ElementType, dims: readonly number[], external: ExternalData): string {
    if (!this.initializers.has(name)) this.initializers.set(name, { name, type, dims, data: null, external });
    return name;
  }

  /** Adds a node and returns its first output. */
  node(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = "",
  ): string {
    this.nodes.push({ op, inputs, outputs, attributes, domain });
    return outputs[0];
  }

  /** Drops nodes, constants and inputs that no output depends on. */
  trim(): void {
    const needed = new Set(this.outputNames);
    for (const { inputs, outputs } of this.nodes.toReversed()) {
      if (outputs.some((name) => needed.has(name))) for (const name of inputs) needed.add(name);
    }
    this.nodes = this.nodes.filter(({ outputs }) => outputs.some((name) => needed.has(name)));
    this.inputs = this.inputs.filter(({ name }) => needed.has(name));
    for (const name of this.initializers.keys()) if (!needed.has(name)) this.initializers.delete(name);
  }

  /** The serialised ModelProto. */
  build(): Uint8Array {
    const w = pb.Writer.create();
    integer(w, 1, IR_VERSION);
    message(w, 7, () => {
      this.nodes.forEach((node, i) => {
        message(w, 1, () => writeNode(w, node, i));
      });
      text(w, 2, "foretoken");
      for (const tensor of this.initializers.values()) message(w, 5, () => writeInitializer(w, tensor));
      for (const value of this.inputs) message(w, 11, () => writeValue(w, value));
      for (const value of this.outputs) message(w, 12, () => writeValue(w, value));
    });
    for (const [domain, version] of [
      ["", OPSET],
      ["com.microsoft", 1],
      ["foretoken", 1],
    ] as const) {
      message(w, 8, () => {
        text(w, 1, domain);
        integer(w, 2, version);
      });
    }
    return w.finish();
  }
}

function message(w: pb.Writer, field: number, write: () => void): void {
  w.uint32((field << 3) | BYTES).fork();
  write();
  w.ldelim();
}

function text(w: pb.Writer, field: number, value: string): void {
  w.uint32((field << 3) | BYTES).string(value);
}

function integer(w: pb.Writer, field: number, value: number): void {
  w.uint32((field << 3) | VARINT).int64(value);
}

function writeNode(w: pb.Writer, node: Node, index: number): void {
  for (const name of node.inputs) text(w, 1, name);
  for (const name of node.outputs) text(w, 2, name);
  text(w, 3, `${node.op}_${index}`);
  text(w, 4, node.op);
  if (node.domain) text(w, 7, node.domain);
  for (const [name, value] of Object.entries(node.attributes)) message(w, 5, () => writeAttribute(w, name, value));
}

function writeAttribute(w: pb.Writer, name: string, value: Attribute): void {
  text(w, 1, name);
  if (typeof value === "number") {
    integer(w, 3, value);
    integer(w, 20, 2);
  } else if (typeof value === "string") {
    text(w, 4, value);
    integer(w, 20, 3);
  } else if ("float" in value) {
    w.uint32((2 << 3) | FLOAT32).float(value.float);
    integer(w, 20, 1);
  } else {
    for (const item of value) integer(w, 8, item);
    integer(w, 20, 7);
  }
}

function writeInitializer(w: pb.Writer, tensor: Initializer): void {
  for (const dim of tensor.dims) integer(w, 1, dim);
  integer(w, 2, ELEMENT_TYPES[tensor.type]);
  text(w, 8, tensor.name);
  if (tensor.data) {
    const { buffer, byteOffset, byteLength } = tensor.data;
    w.uint32((9 << 3) | BYTES).bytes(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
    return;
  }
  for (const [key, value] of Object.entries(tensor.external ?? {})) {
    message(w, 13, () => {
      text(w, 1, key);
      text(w, 2, value);
    });
  }
  integer(w, 14, 1); // data_location EXTERNAL
}

function writeValue(w: pb.Writer, { name, type, dims }: ValueInfo): void {
  text(w, 1, name);
  message(w, 2, () =>
    message(w, 1, () => {
      integer(w, 1, ELEMENT_TYPES[type]);
      message(w, 2, () => {
        for (const dim of dims) {
          message(w, 1, () => (typeof dim === "string" ? text(w, 2, dim) : integer(w, 1, dim)));
        }
      });
    }),
  );
}
