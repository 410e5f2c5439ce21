/** What is used of WebAssembly, which neither ECMAScript's nor Node's types declare. */
interface Api {
  Module: new (bytes: Uint8Array) => object;
  Memory: { new (limits: { initial: number }): WasmMemory; prototype: WasmMemory };
  RuntimeError: new (message?: string) => Error;
  instantiate(module: object, imports: object): Promise<{ exports: Record<string, unknown> }>;
}

export interface WasmMemory {
  readonly buffer: { readonly byteLength: number };
  /** @returns the pages of 64 KiB that it had before */
  grow(pages: number): number;
}

export const { WebAssembly } = globalThis as unknown as { WebAssembly: Api };
