import { schemaToEbnf } from "../../src/sampling/json-schema/schema-to-ebnf.js";
import { newXGrammarInstance } from "../../src/sampling/xgrammar.js";

interface Matcher {
  AcceptString(text: string, verbose: boolean): boolean;
  IsTerminated(): boolean;
  delete(): void;
}

/** Tells which texts a JSON schema's grammar allows, by the library itself. */
export async function schemaReader(): Promise<(schema: object) => (text: string) => boolean> {
  const { binding, messages } = await newXGrammarInstance();
  const noTokens = binding.vecStringFromJSArray([]);
  const info = new binding.TokenizerInfo(noTokens, "RAW", 0, binding.vecIntFromJSArray([]), false);
  const compiler = new binding.GrammarCompiler(info, 1, false);
  return (schema) => {
    const ebnf = schemaToEbnf(schema);
    try {
      const compiled = compiler.CompileGrammar(binding.Grammar.FromEBNF(ebnf, "root"));
      return (text) => {
        const matcher = new binding.GrammarMatcher(compiled, undefined, true, -1) as unknown as Matcher;
        const whole = matcher.AcceptString(text, false) && matcher.IsTerminated();
        matcher.delete();
        return whole;
      };
    } catch (error) {
      throw new Error(`${messages.at(-1) ?? error}: ${ebnf}`);
    }
  };
}

/** What schemaToEbnf throws for a schema, if anything. */
export function schemaError(schema: unknown): Error | undefined {
  try {
    schemaToEbnf(schema as object);
  } catch (error) {
    return error as Error;
  }
  return undefined;
}
