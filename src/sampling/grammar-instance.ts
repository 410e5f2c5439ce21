import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { TokenizerError, UsageError } from "../types/errors.js";
import { runWithin, TimeLimitError } from "../types/time-limit.js";
import type { TokenId } from "../types/token.js";
import { WebAssembly } from "./webassembly.js";
import { type CompilerHandle, type Handle, newXGrammarInstance, type XGrammarInstance } from "./xgrammar.js";

/** Milliseconds that compiling may take: 2 s for small vocabularies, 13 s for 49,152 tokens. Work is done for every token. */
const compileLimit = (vocabSize: number) => 1000 + vocabSize / 4;
/** Milliseconds for one call while an output runs. */
const STEP_LIMIT = 1000;
/** A call that took this long makes the next one run with a watch, which costs some 0.1 ms. */
const SLOW_CALL = 50;
/** Instances without a user that are kept for each tokenizer: each holds 15 MB or more, and spares the next user 0.1 to 0.3 s. */
const KEPT = 4;
/** An instance whose memory has grown by this much is not kept. */
const KEPT_GROWTH = 32 << 20;

/**
 * An instance of the library with one tokenizer and one grammar, and whatever follows outputs of that grammar. A fault in it
 * ends its own users and nobody else.
 */
export class GrammarInstance {
  users = 0;
  key = "";
  /** Why it cannot be used any more. */
  private fault: UsageError | undefined;
  private compiled: Handle | undefined;
  private watched = false;
  private readonly firstSize: number;

  constructor(
    private readonly library: XGrammarInstance,
    private readonly compiler: CompilerHandle,
    private readonly vocabSize: number,
    private readonly pool: GrammarInstance[],
  ) {
    this.firstSize = library.memory.buffer.byteLength;
  }

  get binding() {
    return this.library.binding;
  }

  get grammar(): Handle {
    return this.compiled!;
  }

  /** @param ebnf undefined for any JSON */
  compile(key: string, ebnf: string | undefined): void {
    this.run(() => this.compiled?.delete());
    this.compiled = undefined;
    this.key = key;
    this.guarded(() =>
      runWithin(compileLimit(this.vocabSize), () => {
        if (ebnf === undefined) this.compiled = this.compiler.CompileBuiltinJSONGrammar();
        else {
          const grammar = this.binding.Grammar.FromEBNF(ebnf, "root");
          this.compiled = this.compiler.CompileGrammar(grammar);
          grammar.delete();
        }
      }),
    );
  }

  /** A call of the library. @throws UsageError when it fails, or the instance failed before */
  run<T>(work: () => T): T {
    if (this.fault) throw this.fault;
    const start = performance.now();
    const result = this.guarded(() => (this.watched ? runWithin(STEP_LIMIT, work) : work()));
    this.watched = performance.now() - start > SLOW_CALL;
    return result;
  }

  get usable(): boolean {
    return this.fault === undefined;
  }

  /** A user less. */
  release(): void {
    if (--this.users > 0) return;
    const idle = this.pool.filter(({ users }) => users === 0);
    if (this.library.memory.buffer.byteLength - this.firstSize > KEPT_GROWTH) this.leave(this);
    else if (idle.length > KEPT) this.leave(idle[0]);
  }

  private guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.leave(this);
      this.fault = new UsageError(`the grammar cannot be used: ${this.reasonOf(error)}`);
      throw this.fault;
    }
  }

  private leave(instance: GrammarInstance): void {
    const at = this.pool.indexOf(instance);
    if (at >= 0) this.pool.splice(at, 1);
  }

  private reasonOf(error: unknown): string {
    const simpler = "make it smaller, with less nesting, repetition and ambiguity";
    if (error instanceof TimeLimitError) return `it takes too long: ${simpler}`;
    const said = this.library.messages.findLast((message) => message.includes("FATAL"));
    if (said !== undefined) return withoutPlace(said);
    if (this.library.outOfMemory) return `it takes too much memory: ${simpler}`;
    // V8's stack ended, or a pointer left the memory.
    const stackEnded = error instanceof RangeError && error.message.includes("call stack");
    if (stackEnded || error instanceof WebAssembly.RuntimeError) return `it is too deep: ${simpler}`;
    return withoutPlace(String(error));
  }
}

/** What the library said, without the place in its sources. */
function withoutPlace(said: string): string {
  const line = said.replace(/\s+/g, " ").replace(/^.*?\.(?:cc|h):\d+: /, "");
  return line.replace(/^.*?false: /, "").slice(0, 200);
}

/** Instances of a tokenizer with its end-of-sequence tokens, the last used at the end. */
interface Pool {
  instances: GrammarInstance[];
  /** Requests wait for each other here, so that those with the same grammar find it. */
  turn: Promise<unknown>;
}

const pools = new WeakMap<Tokenizer, Map<string, Pool>>();

/**
 * An instance in which a grammar is compiled; `release` ends its use. Requests with the same grammar share one, others never do.
 * @param key of the grammar
 */
export function instanceFor(
  key: string,
  ebnf: string | undefined,
  tokenizer: Tokenizer,
  eosTokenIds: readonly TokenId[],
): Promise<GrammarInstance> {
  const byEos = pools.get(tokenizer) ?? new Map<string, Pool>();
  pools.set(tokenizer, byEos);
  const pool = byEos.get(eosTokenIds.join()) ?? { instances: [], turn: Promise.resolve() };
  byEos.set(eosTokenIds.join(), pool);
  const result = pool.turn.then(async () => {
    const { instances } = pool;
    let found = instances.find((instance) => instance.key === key);
    if (!found) {
      if (instances.length >= KEPT) found = instances.find(({ users }) => users === 0);
      found ??= await newInstance(tokenizer, eosTokenIds, instances);
      found.compile(key, ebnf);
    }
    found.users++;
    const at = instances.indexOf(found);
    if (at >= 0) instances.splice(at, 1);
    instances.push(found);
    return found;
  });
  pool.turn = result.catch(() => undefined);
  return result;
}

async function newInstance(
  tokenizer: Tokenizer,
  eosTokenIds: readonly TokenId[],
  pool: GrammarInstance[],
): Promise<GrammarInstance> {
  const form = tokenizer.byteForm();
  if (form === undefined) {
    throw new TokenizerError("grammars need a tokenizer of bytes (ByteLevel, or byte fallback): this one has neither");
  }
  const pieces = tokenizer.pieces();
  // An end-of-sequence id may stand beyond the tokenizer's tokens.
  while (eosTokenIds.some((id) => id >= pieces.length)) pieces.push("");
  const library = await newXGrammarInstance();
  const { binding } = library;
  const stops = binding.vecIntFromJSArray([...eosTokenIds]);
  const vector = binding.vecStringFromJSArray(pieces);
  const info = new binding.TokenizerInfo(vector, form.toUpperCase(), pieces.length, stops, form === "byte_fallback");
  vector.delete();
  stops.delete();
  // One thread, and no cache: an instance holds one grammar.
  return new GrammarInstance(library, new binding.GrammarCompiler(info, 1, false), pieces.length, pool);
}
