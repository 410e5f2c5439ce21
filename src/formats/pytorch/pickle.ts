import { CheckpointError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";

/** A class or function that a pickle names, "module name"; never looked up, only compared. */
export class PickleGlobal {
  constructor(readonly name: string) {}
}

/** A persistent id: in PyTorch files the tuple that names a storage. */
export class PersistentId {
  constructor(readonly id: unknown) {}
}

/** A call that a pickle asks for. */
export type Reduce = (callee: PickleGlobal, args: readonly unknown[]) => unknown;

const MARK = Symbol("mark");
/** Stops pickles that memoise or nest without end. */
const MAX_STACK = 100_000;
/** A tensor takes about thirty: room for 20,000 tensors, less than a second's work. */
const MAX_OPCODES = 600_000;
/** PyTorch writes counts and offsets of 64 bits. */
const MAX_LONG_BYTES = 8;
const UTF8 = new TextDecoder();

/**
 * Reads the part of the pickle format that saved tensors need: containers, strings, numbers, globals, calls. Nothing is
 * executed: `reduce` decides what a named callable means and throws for those it does not know. Opcodes outside the list
 * are refused. Time and memory are bounded by the pickle's length: nothing is copied, walked or printed that it refers to
 * more than once. Protocols 2 to 4.
 */
export function readPickle(bytes: Uint8Array, file: string, reduce: Reduce): unknown {
  const reader = new PickleReader(bytes, file, reduce);
  try {
    return reader.read();
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw new CheckpointError(
      `${escaped(file)}: the pickle is damaged (${escaped((error as Error).message)}): download it again`,
    );
  }
}

class PickleReader {
  private at = 0;
  private readonly stack: unknown[] = [];
  private readonly memo = new Map<number, unknown>();
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly file: string,
    private readonly reduce: Reduce,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(): unknown {
    for (let count = 0; count < MAX_OPCODES; count++) {
      const code = String.fromCharCode(this.byte());
      if (code === ".") return this.pop();
      const opcode = OPCODES[code];
      if (!opcode) {
        throw new CheckpointError(
          `${escaped(this.file)}: pickle opcode 0x${code.charCodeAt(0).toString(16)} is not one that tensors need, refused: save the weights as safetensors`,
        );
      }
      opcode(this);
      if (this.stack.length > MAX_STACK) throw new Error("it nests too deep");
    }
    throw new Error(`it has more than ${MAX_OPCODES} opcodes, too many for the names of weights`);
  }

  byte(): number {
    return this.view.getUint8(this.at++);
  }
  uint16(): number {
    this.at += 2;
    return this.view.getUint16(this.at - 2, true);
  }
  int32(): number {
    this.at += 4;
    return this.view.getInt32(this.at - 4, true);
  }
  float64(): number {
    this.at += 8;
    return this.view.getFloat64(this.at - 8, false);
  }
  text(length: number): string {
    if (length < 0 || this.at + length > this.bytes.length) throw new Error("a string is longer than the file");
    this.at += length;
    return UTF8.decode(this.bytes.subarray(this.at - length, this.at));
  }
  line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) throw new Error("a line has no end");
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }
  /** A little-endian two's complement integer. */
  long(): number {
    const length = this.byte();
    if (length > MAX_LONG_BYTES) throw new Error(`it holds a number of ${length} bytes`);
    let value = 0n;
    for (let i = 0; i < length; i++) value |= BigInt(this.byte()) << BigInt(8 * i);
    return Number(BigInt.asIntN(8 * length, value));
  }

  push(value: unknown): void {
    this.stack.push(value);
  }
  pop(): unknown {
    if (this.stack.length === 0) throw new Error("its stack is empty");
    return this.stack.pop();
  }
  popTo(count: number): unknown[] {
    if (this.stack.length < count) throw new Error("its stack is empty");
    return this.stack.splice(this.stack.length - count);
  }
  popMark(): unknown[] {
    const at = this.stack.lastIndexOf(MARK);
    if (at < 0) throw new Error("it has no mark");
    return this.stack.splice(at).slice(1);
  }
  top(): unknown {
    return this.stack[this.stack.length - 1];
  }
  put(index: number): void {
    this.memo.set(index, this.top());
  }
  get(index: number): void {
    if (!this.memo.has(index)) throw new Error("it names a value that was never stored");
    this.push(this.memo.get(index));
  }
  memoise(): void {
    this.put(this.memo.size);
  }
  setItems(items: unknown[]): void {
    const target = this.top();
    if (!(target instanceof Map)) throw new Error("it sets items of what is no dictionary");
    for (let i = 0; i + 1 < items.length; i += 2) target.set(items[i], items[i + 1]);
  }
  append(items: unknown[]): void {
    const target = this.top();
    if (!Array.isArray(target)) throw new Error("it appends to what is no list");
    for (const item of items) target.push(item);
  }
  call(): void {
    const [callee, args] = this.popTo(2);
    if (!(callee instanceof PickleGlobal) || !Array.isArray(args)) throw new Error("it calls what is no function");
    this.push(this.reduce(callee, args));
  }
  /** A class or function whose module and name are on the stack. */
  stackGlobal(): void {
    const names = this.popTo(2);
    if (!names.every((name) => typeof name === "string")) throw new Error("it names a global by what is no text");
    this.push(new PickleGlobal(names.join(" ")));
  }
  /** Attributes of an object: PyTorch's _metadata, which weights do not need. */
  dropState(): void {
    this.pop();
  }
}

const OPCODES: Readonly<Record<string, (r: PickleReader) => void>> = {
  "\x80": (r) => void r.byte(), // PROTO
  "\x95": (r) => void r.text(8), // FRAME
  "(": (r) => r.push(MARK),
  "}": (r) => r.push(new Map()),
  "]": (r) => r.push([]),
  ")": (r) => r.push([]),
  N: (r) => r.push(null),
  "\x88": (r) => r.push(true),
  "\x89": (r) => r.push(false),
  J: (r) => r.push(r.int32()),
  G: (r) => r.push(r.float64()), // BINFLOAT
  K: (r) => r.push(r.byte()),
  M: (r) => r.push(r.uint16()),
  "\x8a": (r) => r.push(r.long()), // LONG1
  X: (r) => r.push(r.text(r.int32())), // BINUNICODE
  "\x8c": (r) => r.push(r.text(r.byte())), // SHORT_BINUNICODE
  t: (r) => r.push(r.popMark()),
  "\x85": (r) => r.push(r.popTo(1)),
  "\x86": (r) => r.push(r.popTo(2)),
  "\x87": (r) => r.push(r.popTo(3)),
  s: (r) => r.setItems(r.popTo(2)),
  u: (r) => r.setItems(r.popMark()),
  a: (r) => r.append(r.popTo(1)),
  e: (r) => r.append(r.popMark()),
  c: (r) => r.push(new PickleGlobal(`${r.line()} ${r.line()}`)),
  "\x93": (r) => r.stackGlobal(), // STACK_GLOBAL
  Q: (r) => r.push(new PersistentId(r.pop())),
  R: (r) => r.call(),
  b: (r) => r.dropState(),
  q: (r) => r.put(r.byte()),
  r: (r) => r.put(r.int32()),
  "\x94": (r) => r.memoise(),
  h: (r) => r.get(r.byte()),
  j: (r) => r.get(r.int32()),
};
