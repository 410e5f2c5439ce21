import koffi from "koffi";
import { RuntimeError } from "../types/errors.js";
import { check, out } from "./ort-error.js";
import { ort } from "./ort-library.js";
import type { Session } from "./session.js";
import type { Tensor } from "./tensor.js";

/**
 * A session with fixed input and output names and a tensor at each. Setting a tensor and running allocate nothing;
 * the binding keeps its tensors alive.
 */
export class Binding {
  private readonly inputs: (Tensor | undefined)[];
  private readonly outputs: (Tensor | undefined)[];
  private readonly inputHandles: BigUint64Array;
  private readonly outputHandles: BigUint64Array;
  private readonly inputNames: NamePointers;
  private readonly outputNames: NamePointers;
  private running = false;

  constructor(
    private readonly session: Session,
    inputNames: readonly string[] = session.inputNames,
    outputNames: readonly string[] = session.outputNames,
  ) {
    this.inputNames = new NamePointers(inputNames, session.inputNames);
    this.outputNames = new NamePointers(outputNames, session.outputNames);
    this.inputs = new Array(inputNames.length).fill(undefined);
    this.outputs = new Array(outputNames.length).fill(undefined);
    this.inputHandles = new BigUint64Array(inputNames.length);
    this.outputHandles = new BigUint64Array(outputNames.length);
  }

  setInput(index: number, tensor: Tensor): void {
    this.inputHandles[index] = tensor.handle;
    this.inputs[index] = tensor;
  }

  /** The run writes into the tensor's array. The same tensor may be an input too (a cache updated in place). */
  setOutput(index: number, tensor: Tensor): void {
    this.outputHandles[index] = tensor.handle;
    this.outputs[index] = tensor;
  }

  /** Runs on this thread. @throws OrtError, or RuntimeError for a missing tensor or a run under way. */
  run(): void {
    this.begin();
    try {
      check(ort().Run(...this.arguments(null)));
    } finally {
      this.end();
    }
  }

  /** Runs on another thread. An abort ends the run within a millisecond or so; the promise rejects after it has ended. */
  async runAsync(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.begin();
    const api = ort();
    const options = signal ? out(api.CreateRunOptions) : null;
    const onAbort = () => check(api.RunOptionsSetTerminate(options));
    signal?.addEventListener("abort", onAbort);
    try {
      const status = await new Promise<bigint | null>((resolve, reject) => {
        const done = (error: Error | null, result: bigint | null) => (error ? reject(error) : resolve(result));
        api.Run.async(...this.arguments(options), done);
      });
      if (status && signal?.aborted) {
        api.ReleaseStatus(status);
        throw signal.reason;
      }
      check(status);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      if (options) api.ReleaseRunOptions(options);
      this.end();
    }
  }

  private arguments(options: bigint | null) {
    return [
      this.session.handle,
      options,
      this.inputNames.pointers,
      this.inputHandles,
      this.inputHandles.length,
      this.outputNames.pointers,
      this.outputHandles.length,
      this.outputHandles,
    ] as const;
  }

  private begin(): void {
    if (this.running) throw new RuntimeError("a run of this binding is under way: await it first");
    this.assertLive(this.inputs, this.inputNames, "input");
    this.assertLive(this.outputs, this.outputNames, "output");
    this.running = true;
    this.session.inFlight++;
  }

  private end(): void {
    this.running = false;
    this.session.inFlight--;
  }

  /** Every slot must hold a tensor that still lives: running with a released value would crash the process. */
  private assertLive(tensors: readonly (Tensor | undefined)[], names: NamePointers, kind: string): void {
    for (let i = 0; i < tensors.length; i++) {
      const tensor = tensors[i];
      if (tensor === undefined) throw new RuntimeError(`${kind} "${names.names[i]}" has no tensor`);
      if (!tensor.live) throw new RuntimeError(`the tensor of ${kind} "${names.names[i]}" was disposed`);
    }
  }
}

/** C strings and an array of pointers to them. */
class NamePointers {
  readonly pointers: BigUint64Array;
  /** Keeps the strings' memory alive. */
  private readonly buffers: Buffer[];

  constructor(
    readonly names: readonly string[],
    known: readonly string[],
  ) {
    for (const name of names) {
      if (!known.includes(name)) throw new RuntimeError(`the session has no input or output "${name}"`);
    }
    this.buffers = names.map((name) => Buffer.from(`${name}\0`));
    this.pointers = BigUint64Array.from(this.buffers, (buffer) => koffi.address(buffer));
  }
}
