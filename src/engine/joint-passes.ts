import type { TokenId } from "../types/token.js";
import type { CausalLM } from "./causal-lm.js";
import type { PassResult, TokenRows } from "./rows.js";

export interface PassOptions {
  /** How many of the likeliest tokens rows with Need.top get. Default 1. */
  k?: number;
  signal?: AbortSignal;
}

/** A pass that somebody asked for and waits for. */
interface Waiting {
  rows: TokenRows;
  read: (result: PassResult) => unknown;
  options: PassOptions;
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
}

const known = new WeakMap<CausalLM, JointPasses>();

/**
 * Runs together what several drafters ask of one model at the same time: the rows of all their sequences in one pass,
 * which costs little more than the rows of one. Rows do not depend on their company, so nobody notices.
 */
export class JointPasses {
  private working = 0;
  private waiting: Waiting[] = [];
  private checking = false;

  private constructor(private readonly model: CausalLM) {}

  /** The one of a model. */
  static of(model: CausalLM): JointPasses {
    const passes = known.get(model) ?? new JointPasses(model);
    known.set(model, passes);
    return passes;
  }

  /** Does a drafter's work of one step. A pass starts when everybody at work waits for one. */
  async join<T>(work: () => Promise<T>): Promise<T> {
    this.working++;
    try {
      return await work();
    } finally {
      this.working--;
      this.check();
    }
  }

  /** As CausalLM.forward for one sequence. */
  forward<T>(rows: TokenRows, read: (result: PassResult) => T, options: PassOptions = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({ rows, read, options, resolve, reject });
      this.check();
    });
  }

  /** Looks once the code that is running has come to its end: others may just be about to ask. */
  private check(): void {
    if (this.checking) return;
    this.checking = true;
    queueMicrotask(() => {
      this.checking = false;
      if (this.waiting.length === 0 || this.waiting.length < this.working) return;
      for (const passes = this.waiting.splice(0); passes.length > 0; ) {
        void this.run(passes.splice(0, this.model.maxSequences));
      }
    });
  }

  private async run(passes: readonly Waiting[]): Promise<void> {
    if (passes.length === 1) return this.runAlone(passes[0]);
    const { signal } = passes[0].options;
    const results: ((waiting: Waiting) => void)[] = [];
    const readAll = (result: PassResult) => {
      for (const [i, { read, options }] of passes.entries()) {
        results.push(outcome(() => read(new OneOf(result, i, options.k ?? 1))));
      }
    };
    try {
      await this.model.forward(
        passes.map(({ rows }) => rows),
        readAll,
        {
          k: Math.max(...passes.map(({ options }) => options.k ?? 1)),
          signal: passes.every(({ options }) => options.signal === signal) ? signal : undefined,
        },
      );
    } catch (error) {
      for (const { reject } of passes) reject(error);
      return;
    }
    for (const [i, pass] of passes.entries()) results[i](pass);
  }

  private async runAlone({ rows, read, options, resolve, reject }: Waiting): Promise<void> {
    try {
      resolve((await this.model.forward([rows], read, options)) as never);
    } catch (error) {
      reject(error);
    }
  }
}

/** Calls `read` now, and tells whoever waits later. */
function outcome(read: () => unknown): (waiting: Waiting) => void {
  try {
    const value = read();
    return ({ resolve }) => resolve(value as never);
  } catch (error) {
    return ({ reject }) => reject(error);
  }
}

/** The rows of one request of a pass, with as many candidates as it asked for. */
class OneOf implements PassResult {
  constructor(
    private readonly result: PassResult,
    private readonly request: number,
    private readonly k: number,
  ) {}

  logits(row: number): Float32Array {
    return this.result.logits(row, this.request);
  }

  argmax(row: number): TokenId {
    return this.result.argmax(row, this.request);
  }

  top(row: number): { ids: TokenId[]; logits: Float32Array } {
    const { ids, logits } = this.result.top(row, this.request);
    return { ids: ids.slice(0, this.k), logits: logits.subarray(0, this.k) };
  }

  logSumExp(row: number): number {
    return this.result.logSumExp(row, this.request);
  }

  hidden(row: number): Float32Array {
    return this.result.hidden(row, this.request);
  }

  auxiliary(row: number, layers: number): Float32Array {
    return this.result.auxiliary(row, layers, this.request);
  }
}
