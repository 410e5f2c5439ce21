import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { UsageError } from "../types/errors.js";
import type { TokenId } from "../types/token.js";
import { checkEbnf } from "./ebnf-limits.js";
import { GrammarConstraint, type TokenConstraint } from "./grammar-constraint.js";
import { instanceFor } from "./grammar-instance.js";
import { schemaToEbnf } from "./json-schema/schema-to-ebnf.js";

export type { TokenConstraint } from "./grammar-constraint.js";

/** What the output must be: any JSON, JSON of a schema, or a text of a grammar (EBNF, as XGrammar and GBNF write it). */
export type GrammarSpec = "json" | { jsonSchema: object } | { ebnf: string };

/** A grammar ready for a tokenizer; outputs get matchers of their own. */
export interface Grammar {
  newConstraint(): TokenConstraint;
  /** Matchers that were made go on. */
  dispose(): void;
}

/**
 * Compiles a grammar for a tokenizer. One request's grammar never disturbs another's.
 * @param eosTokenIds the tokens that end the output, allowed where the grammar is complete
 * @throws UsageError for a grammar that cannot be used, is too large, or has a keyword that would not be kept
 */
export async function compileGrammar(
  spec: GrammarSpec,
  tokenizer: Tokenizer,
  eosTokenIds: readonly TokenId[],
): Promise<Grammar> {
  const ebnf = ebnfOf(spec);
  if (ebnf !== undefined) checkEbnf(ebnf, tokenizer.vocabSize);
  const instance = await instanceFor(ebnf === undefined ? "json" : `ebnf ${ebnf}`, ebnf, tokenizer, eosTokenIds);
  let disposed = false;
  return {
    newConstraint: () => new GrammarConstraint(instance),
    dispose: () => {
      if (!disposed) instance.release();
      disposed = true;
    },
  };
}

/** Undefined for any JSON. */
function ebnfOf(spec: GrammarSpec): string | undefined {
  if (spec === "json") return undefined;
  if (typeof spec === "object" && spec !== null) {
    if ("ebnf" in spec && typeof spec.ebnf === "string") return spec.ebnf;
    if ("jsonSchema" in spec && typeof spec.jsonSchema === "object" && spec.jsonSchema !== null) {
      return schemaToEbnf(spec.jsonSchema);
    }
  }
  throw new UsageError('grammar must be "json", { jsonSchema: {...} } or { ebnf: "root ::= ..." }');
}
