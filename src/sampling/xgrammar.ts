import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { compileFunction } from "node:vm";
import type * as XGrammar from "@mlc-ai/web-xgrammar";
import { ForetokenError } from "../types/errors.js";

export type { CompiledGrammar, GrammarCompiler, GrammarMatcher } from "@mlc-ai/web-xgrammar";

/** The library and what it has said on its console since it was loaded. */
export interface XGrammarModule {
  api: typeof XGrammar;
  messages: string[];
}

/** The package's one import, which a compiled function cannot make. */
const IMPORT = "await import('module')";

/**
 * An instance of @mlc-ai/web-xgrammar of its own. Version 0.1.27 is a UMD file in a package that says it holds ES modules,
 * so Node cannot import it; and an error in a grammar ends its WebAssembly instance, so that a fresh one must be made.
 */
export function loadXGrammar(): XGrammarModule {
  const require = createRequire(import.meta.url);
  const path = require.resolve("@mlc-ai/web-xgrammar");
  const code = readFileSync(path, "utf8");
  if (!code.includes(IMPORT))
    throw new ForetokenError("@mlc-ai/web-xgrammar is not the version that is expected: run npm ci");
  const messages: string[] = [];
  const say = (...words: unknown[]) => void messages.push(words.join(" "));
  const parameters = ["exports", "module", "require", "__filename", "console", "nodeModule"];
  const define = compileFunction(code.replace(IMPORT, "nodeModule"), parameters, { filename: path });
  const module = { exports: {} };
  const console = { log: say, warn: say, error: say };
  define.call(globalThis, module.exports, module, createRequire(path), path, console, { createRequire });
  return { api: module.exports as typeof XGrammar, messages };
}
