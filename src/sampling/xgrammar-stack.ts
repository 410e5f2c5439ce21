import { createHash } from "node:crypto";

/** SHA-256 of the WebAssembly module of @mlc-ai/web-xgrammar 0.1.27, whose places are known below. */
const KNOWN = "80eb86a9e61e8148a45d60973ec29ffb85077a3e42cee8f042e1452fffd63774";
/** Where the stack begins and ends today: 64 KiB above the constants, growing down into them unchecked. */
const STACK_TOP = 136512;
/** The stack's new size. V8's own stack (1 MB) ends first at this size, and an end of that is an error that can be caught. */
const STACK = 16 << 20;
const PAGE = 65536;

/**
 * The module with a stack that cannot run over. As it was built, recursion of some 70 levels writes over the module's
 * constants, unseen. The new stack lies below the heap, which begins that much later.
 * @returns undefined when the module is not the one that is known
 */
export function withOwnStack(wasm: Buffer): Buffer | undefined {
  if (createHash("sha256").update(wasm).digest("hex") !== KNOWN) return undefined;
  const patched = Buffer.from(wasm);
  // The allocator's first address stands as four bytes among the constants, the last such bytes of the file.
  patched.writeUInt32LE(STACK_TOP + STACK, patched.lastIndexOf(bytesOf(STACK_TOP)));
  const sections: Buffer[] = [patched.subarray(0, 8)];
  for (let at = 8; at < patched.length; ) {
    const id = patched[at];
    const [size, start] = readLeb(patched, at + 1);
    const body = patched.subarray(start, start + size);
    at = start + size;
    sections.push(Buffer.of(id), ...withSize(id === MEMORY ? moreMemory(body) : id === GLOBAL ? newTop(body) : body));
  }
  return Buffer.concat(sections);
}

const MEMORY = 5;
const GLOBAL = 6;

/** One memory with limits: count, flag, least pages, most pages. */
function moreMemory(body: Buffer): Buffer {
  const [least, rest] = readLeb(body, 2);
  return Buffer.concat([body.subarray(0, 2), leb(least + STACK / PAGE), body.subarray(rest)]);
}

/** The stack pointer is the first global: count, type, mutable, i32.const, its start. */
function newTop(body: Buffer): Buffer {
  const [, rest] = readLeb(body, 4);
  return Buffer.concat([body.subarray(0, 4), leb(STACK_TOP + STACK, true), body.subarray(rest)]);
}

function withSize(body: Buffer): Buffer[] {
  return [leb(body.length), body];
}

function bytesOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function readLeb(bytes: Buffer, at: number): [value: number, next: number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value |= (byte & 127) << shift;
    if (byte < 128) return [value, at];
  }
}

/** A number of WebAssembly's variable length; signed ones keep bit 6 of the last byte for the sign. */
function leb(value: number, signed = false): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    const last = signed ? rest < 64 : rest < 128;
    bytes.push(last ? rest : (rest & 127) | 128);
    if (last) return Buffer.from(bytes);
  }
}
