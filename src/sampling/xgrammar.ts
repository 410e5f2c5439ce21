import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { compileFunction } from "node:vm";
import { ForetokenError } from "../types/errors.js";
import { type WasmMemory, WebAssembly } from "./webassembly.js";
import { withOwnStack } from "./xgrammar-stack.js";

/** Something that lives in the instance's memory. */
export interface Handle {
  delete(): void;
}

interface IntVector extends Handle {
  size(): number;
}

export interface MatcherHandle extends Handle {
  AcceptToken(token: number, verbose: boolean): boolean;
  GetNextTokenBitmask(vocabSize: number): IntVector;
  IsTerminated(): boolean;
  Rollback(tokens: number): void;
}

export interface CompilerHandle extends Handle {
  CompileBuiltinJSONGrammar(): Handle;
  CompileGrammar(grammar: Handle): Handle;
}

/** What is used of the library's own interface, below the asynchronous one of its package. */
export interface Binding {
  Grammar: { FromEBNF(text: string, root: string): Handle };
  GrammarCompiler: new (tokenizer: Handle, threads: number, cached: boolean) => CompilerHandle;
  GrammarMatcher: new (
    grammar: Handle,
    stopTokens: undefined,
    endsWithoutStopToken: boolean,
    rollback: number,
  ) => MatcherHandle;
  TokenizerInfo: new (pieces: Handle, form: string, size: number, stopTokens: Handle, prefixed: boolean) => Handle;
  vecIntFromJSArray(values: number[]): Handle;
  vecStringFromJSArray(values: string[]): Handle;
  /** A view of the instance's memory, good until its next call. */
  vecIntToView(vector: IntVector): Int32Array;
}

/** An instance of the library with memory of its own. */
export interface XGrammarInstance {
  binding: Binding;
  /** The newest of what it wrote on its console: the reason of an error stands there. */
  messages: string[];
  /** True once it asked for more memory than it may have. */
  outOfMemory: boolean;
  memory: WasmMemory;
}

/** Bytes that an instance may grow by; a grammar of 20,000 words takes 15 MB at a vocabulary of 49,152. */
export const MEMORY_LIMIT = 128 << 20;
/** Lines of the console that are kept. */
const KEPT_MESSAGES = 8;

/** The places of the package's code that are replaced: its one import, the module's bytes, the last export. */
const IMPORT = "await import('module')";
const BYTES = /(?<=data:application\/octet-stream;base64,)[A-Za-z0-9+/=]+/;
const EXPORT = "exports.default = index;";

interface Source {
  path: string;
  code: string;
  module: object;
}

let source: Source | undefined;

/**
 * An instance of @mlc-ai/web-xgrammar of its own. Version 0.1.27 is a UMD file in a package that says it holds ES modules,
 * so Node cannot import it; and an error in a grammar ends its WebAssembly instance, so that instances must be made.
 */
export async function newXGrammarInstance(): Promise<XGrammarInstance> {
  source ??= readSource();
  const { path, code, module: bytes } = source;
  const made: Partial<XGrammarInstance> & { messages: string[] } = { messages: [] };
  const say = (...words: unknown[]) => {
    made.messages.push(words.join(" ").slice(0, 4000));
    if (made.messages.length > KEPT_MESSAGES) made.messages.shift();
  };
  const instantiate = async (_: unknown, imports: object) => {
    const instance = await WebAssembly.instantiate(bytes, imports);
    made.memory = Object.values(instance.exports).find(
      (item): item is WasmMemory => item instanceof WebAssembly.Memory,
    );
    limitGrowth(made);
    return { instance, module: bytes };
  };
  const exports = {} as { init(): Promise<Binding> };
  const parts: Record<string, unknown> = {
    exports,
    module: { exports },
    require: createRequire(path),
    __filename: path,
    console: { log: say, warn: say, error: say },
    nodeModule: { createRequire },
    WebAssembly: { instantiate, RuntimeError: WebAssembly.RuntimeError },
  };
  compileFunction(code, Object.keys(parts), { filename: path }).call(globalThis, ...Object.values(parts));
  made.binding = await exports.init();
  made.outOfMemory ??= false;
  return made as XGrammarInstance;
}

function readSource(): Source {
  const path = createRequire(import.meta.url).resolve("@mlc-ai/web-xgrammar");
  const code = readFileSync(path, "utf8");
  const bytes = BYTES.exec(code)?.[0];
  if (bytes === undefined || !code.includes(IMPORT) || !code.includes(EXPORT)) throw unexpectedVersion();
  const module = new WebAssembly.Module(withOwnStack(Buffer.from(bytes, "base64")) ?? unexpected());
  return { path, code: own(code), module };
}

function own(code: string): string {
  const init = "exports.init = async () => { await asyncInitBinding(); return binding; };";
  return code.replace(IMPORT, "nodeModule").replace(BYTES, "AA==").replace(EXPORT, init);
}

function limitGrowth(made: Partial<XGrammarInstance>): void {
  const memory = made.memory!;
  const { grow } = WebAssembly.Memory.prototype;
  const limit = memory.buffer.byteLength + MEMORY_LIMIT;
  // The library's allocator takes the refusal as the end of memory.
  memory.grow = (pages) => {
    if (memory.buffer.byteLength + pages * 65536 > limit) {
      made.outOfMemory = true;
      throw new RangeError("memory limit");
    }
    return grow.call(memory, pages);
  };
}

function unexpected(): never {
  throw unexpectedVersion();
}

function unexpectedVersion(): ForetokenError {
  return new ForetokenError("@mlc-ai/web-xgrammar is not the version that is expected: run npm ci");
}
