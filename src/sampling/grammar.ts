import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { TokenizerError, UsageError } from "../types/errors.js";
import type { TokenId } from "../types/token.js";
import type { TokenHistory } from "./history.js";
import {
  type CompiledGrammar,
  type GrammarCompiler,
  type GrammarMatcher,
  loadXGrammar,
  type XGrammarModule,
} from "./xgrammar.js";

/** What the output must be: any JSON, JSON of a schema, or a text of a grammar (EBNF, as XGrammar and GBNF write it). */
export type GrammarSpec = "json" | { jsonSchema: object } | { ebnf: string };

/** Forbids tokens by what is in the output. */
export interface TokenConstraint {
  /** Sets the logits of forbidden tokens to -Infinity. */
  apply(logits: Float32Array, history: TokenHistory): void;
  dispose(): void;
}

/** A grammar ready for a tokenizer; outputs get matchers of their own. */
export interface Grammar {
  newConstraint(): Promise<TokenConstraint>;
  /** Matchers that were made go on. */
  dispose(): void;
}

/** An instance of the library with all that was made in it: a fatal error ends both. */
interface Instance extends XGrammarModule {
  compilers: WeakMap<Tokenizer, Map<string, Promise<GrammarCompiler>>>;
}

let instance: Instance | undefined;

/**
 * Compiles a grammar for a tokenizer.
 * @param eosTokenIds the tokens that end the output, allowed where the grammar is complete
 * @throws UsageError for a grammar that cannot be used, with the library's reason
 */
export async function compileGrammar(
  spec: GrammarSpec,
  tokenizer: Tokenizer,
  eosTokenIds: readonly TokenId[],
): Promise<Grammar> {
  const schema = checked(spec);
  instance ??= { ...loadXGrammar(), compilers: new WeakMap() };
  const own = instance;
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof UsageError || error instanceof TokenizerError) throw error;
      if (instance === own) instance = undefined;
      throw new UsageError(`the grammar cannot be used: ${reasonOf(own.messages, error)}`);
    }
  };
  const compiled = await guarded(async () => compile(await compilerFor(own, tokenizer, eosTokenIds), spec, schema));
  return {
    newConstraint: () =>
      guarded(async () => new GrammarConstraint(await own.api.GrammarMatcher.createGrammarMatcher(compiled))),
    dispose: () => compiled.dispose(),
  };
}

/** What the library said, without the place in its sources. */
function reasonOf(messages: readonly string[], error: unknown): string {
  const said = messages.findLast((message) => message.includes("FATAL")) ?? String(error);
  const line = said.replace(/\s+/g, " ").replace(/^.*?\.(?:cc|h):\d+: /, "");
  return line.replace(/^.*?false: /, "").slice(0, 200);
}

/** The schema as text. */
function checked(spec: GrammarSpec): string {
  if (spec === "json") return "";
  if (typeof spec === "object" && spec !== null) {
    if ("ebnf" in spec && typeof spec.ebnf === "string") return "";
    if ("jsonSchema" in spec && typeof spec.jsonSchema === "object" && spec.jsonSchema !== null) {
      return JSON.stringify(spec.jsonSchema);
    }
  }
  throw new UsageError('grammar must be "json", { jsonSchema: {...} } or { ebnf: "root ::= ..." }');
}

/** JSON of a schema stands on one line: left to choose, small models write white space without end. */
function compile(compiler: GrammarCompiler, spec: GrammarSpec, schema: string): Promise<CompiledGrammar> {
  if (spec === "json") return compiler.compileBuiltinJSONGrammar();
  return "ebnf" in spec
    ? compiler.compileGrammar(spec.ebnf)
    : compiler.compileJSONSchema(schema, false, -1, [", ", ": "]);
}

function compilerFor(
  { api, compilers }: Instance,
  tokenizer: Tokenizer,
  eosTokenIds: readonly TokenId[],
): Promise<GrammarCompiler> {
  const known = compilers.get(tokenizer) ?? new Map<string, Promise<GrammarCompiler>>();
  compilers.set(tokenizer, known);
  const key = eosTokenIds.join();
  let found = known.get(key);
  if (!found) {
    const pieces = tokenizer.pieces();
    // An end-of-sequence id may stand beyond the tokenizer's tokens.
    while (eosTokenIds.some((id) => id >= pieces.length)) pieces.push("");
    const bytes = tokenizer.byteForm();
    if (bytes === undefined) {
      throw new TokenizerError(
        "grammars need a tokenizer of bytes (ByteLevel, or byte fallback): this one has neither",
      );
    }
    const prefixed = bytes === "byte_fallback";
    found = api.TokenizerInfo.createTokenizerInfo(pieces, bytes, prefixed, pieces.length, [...eosTokenIds]).then(
      (info) => api.GrammarCompiler.createGrammarCompiler(info),
    );
    known.set(key, found);
  }
  return found;
}

/** The matcher's own interface is asynchronous for the sake of loading; rows are judged inside a pass. */
interface DirectMatcher {
  GetNextTokenBitmask(vocabSize: number): { size(): number; get(index: number): number; delete(): void };
}

/** Follows one output: goes on and back as verifiers and drafters push tokens and pop them. */
class GrammarConstraint implements TokenConstraint {
  private readonly accepted: TokenId[] = [];

  constructor(private readonly matcher: GrammarMatcher) {}

  apply(logits: Float32Array, history: TokenHistory): void {
    // A path that left the grammar, or ended, is never verified: only proposals ask for what comes after it.
    if (!this.follow(history) || this.matcher.isTerminated()) return;
    const { handle } = this.matcher as unknown as { handle: DirectMatcher };
    const words = handle.GetNextTokenBitmask(logits.length);
    const count = words.size();
    for (let i = 0; i < count; i++) {
      const word = words.get(i);
      if (word === -1) continue;
      const end = Math.min(32, logits.length - 32 * i);
      for (let bit = 0; bit < end; bit++) if (((word >>> bit) & 1) === 0) logits[32 * i + bit] = -Infinity;
    }
    words.delete();
  }

  dispose(): void {
    this.matcher.dispose();
  }

  /** Brings the matcher to the history's output; false when that is no text of the grammar. */
  private follow(history: TokenHistory): boolean {
    const { accepted, matcher } = this;
    const first = history.length - history.newTokens;
    let same = 0;
    while (same < accepted.length && same < history.newTokens && accepted[same] === history.at(first + same)) same++;
    if (same < accepted.length) {
      matcher.rollBack(accepted.length - same);
      accepted.length = same;
    }
    for (let i = same; i < history.newTokens; i++) {
      const token = history.at(first + i);
      if (matcher.isTerminated() || !matcher.acceptToken(token)) return false;
      accepted.push(token);
    }
    return true;
  }
}
