import { EagleHeads } from "../engine/eagle-heads.js";
import { MedusaHeads } from "../engine/medusa-heads.js";
import type { RankPath } from "../trees/rank-tree.js";
import { UsageError } from "../types/errors.js";
import { OPTION_ALIASES } from "../types/option-aliases.js";
import { type DeclaredOption, type OptionsOf, option, optional, type ValueOf } from "../types/option-declaration.js";
import { boolean, choice, everyItem, integer, listOf, number, type OptionKind, value } from "../types/option-kinds.js";
import { checkOption, guessName } from "../types/option-table.js";
import { shown } from "../types/shown.js";
import { SuccessorMemory } from "./recycling/successor-memory.js";
import { LookupCorpus } from "./suffix/lookup-corpus.js";

/** An option of methods: what it takes, what it is without being given, and one line of help. */
export type MethodOption<V = unknown> = DeclaredOption<V>;

/** Candidates of a head that trees may be made of. */
const HEAD_RANKS = 10;
/** Rows that a window may have, and guesses. */
export const MAX_WINDOW_ROWS = 120;

/**
 * Every option of the product's methods, declared once: types, checks, flags, help and the docs' table come from here. A
 * method lists the names of those that it has.
 */
export const METHOD_OPTIONS = {
  numSpeculativeTokens: option(integer(1, 64), "tokens drafted in a step", 4),
  policy: option(choice(["constant", "heuristic", "confidence"]), "how the draft's length changes", "constant"),
  confidenceThreshold: option(number("[0, 1]"), "with policy confidence: stop below this probability", 0.4),
  treeWidths: optional(
    listOf(integer(1, 16), "children per node for each depth, integers from 1 to 16"),
    "children per node by depth, e.g. 3,2,1",
  ),
  heads: optional(
    value<MedusaHeads | EagleHeads>(
      "MedusaHeads or EagleHeads",
      (given) => given instanceof MedusaHeads || given instanceof EagleHeads,
    ),
    "Medusa or EAGLE-3 heads of the target",
  ),
  treeChoices: optional(
    value<readonly RankPath[] | string>(
      "a preset's name or paths of ranks",
      (given) => typeof given === "string" || Array.isArray(given),
    ),
    'static tree: chain, small, medium, ... or paths such as "[[0],[0,0],[1]]"',
  ),
  treeNodes: option(integer(1, 96), "nodes of the tree", 8),
  treeRanks: optional(
    integer(1, HEAD_RANKS),
    "candidates of a head, or after a node, that the tree may use",
    "medusa 10, eagle 4, without --tree-nodes 1: a chain",
  ),
  dynamicTree: option(boolean(), "grow the tree by probabilities in every step", false),
  maxNgram: option(integer(1, 32), "longest n-gram looked for", 3),
  minNgram: option(integer(1, 32), "shortest n-gram looked for", 1),
  match: option(choice(["latest", "frequent"]), "which of several places is continued", "latest"),
  minMatch: option(integer(1, 1024), "shortest match that is continued", 1),
  lookupCorpus: optional(
    value<LookupCorpus>(
      "a LookupCorpus, made from token ids of the target's tokenizer",
      (given) => given instanceof LookupCorpus,
    ),
    "a text that outputs are looked up in",
  ),
  successors: optional(
    value<SuccessorMemory>("a SuccessorMemory", (given) => given instanceof SuccessorMemory),
    "what was learned in other runs",
  ),
  windowSize: option(integer(1, MAX_WINDOW_ROWS), "W, columns of the window", 5),
  ngramSize: option(integer(2, 16), "N, length of the n-grams", 4),
  guessSize: option(integer(1, MAX_WINDOW_ROWS), "G, n-grams verified in a step", 5),
  poolFromPrompt: option(boolean(), "offer the prompt's own n-grams too", true),
  adaptive: option(boolean(), "spend fewer rows while few guesses are accepted", false),
  skipLayers: optional(
    value<readonly number[]>("a list of layers from 0, such as [1, 3]", Array.isArray),
    "layers left out of the draft, from 0, e.g. 1,3",
    "every second",
  ),
  drafters: optional(
    value<readonly string[]>(
      "a list of two or more different methods",
      (given) => Array.isArray(given) && everyItem(given, (name) => typeof name === "string"),
    ),
    "the methods that propose together, e.g. draft,ngram",
    "what is there, with ngram",
  ),
  mergedNodes: option(integer(1, 96), "candidates shared out in a step", 12),
  alignment: option(choice(["auto", "shared", "text"]), "by tokens that both have, or by text", "auto"),
  partOptions: optional(
    value<Readonly<Record<string, MethodOptions>>>(
      "an object of options by the method's name",
      (given) => typeof given === "object" && !Array.isArray(given),
    ),
    "options of single parts, by their name",
  ),
};

type Declared = typeof METHOD_OPTIONS;
export type MethodOptionName = keyof Declared;

/** The options that methods are given. A name that none of them has is a compile error. */
export type KnownMethodOptions = OptionsOf<Omit<Declared, "partOptions">>;

/** For "merged": options of its parts, by the method's name. */
export type PartOptions = Readonly<Record<string, KnownMethodOptions>>;

/** A method's options, as the user gave them, every one checked by its declaration. */
export type MethodOptions = Readonly<Record<string, unknown>>;

type Result<O> = O extends { readonly fallback: infer V } ? ValueOf<O> & V : ValueOf<O> | undefined;

/** The option as it was given, else what is declared for that case. */
export function optionOf<Name extends MethodOptionName>(options: MethodOptions, name: Name): Result<Declared[Name]> {
  const declared: MethodOption = METHOD_OPTIONS[name];
  return (options[name] ?? declared.fallback) as Result<Declared[Name]>;
}

/** What options of these names take, for an interface that has some of them under its own. */
export function methodOptionKinds<Name extends MethodOptionName>(names: readonly Name[]): Record<Name, OptionKind> {
  return Object.fromEntries(names.map((name) => [name, METHOD_OPTIONS[name].kind])) as Record<Name, OptionKind>;
}

/** @throws UsageError for an option that the method does not have, or a value that is not what the option takes */
export function checkMethodOptions(method: { name: string; options: readonly string[] }, options: MethodOptions): void {
  for (const [name, given] of Object.entries(options)) {
    if (!method.options.includes(name)) throw new UsageError(unknown(method, name));
    if (Object.hasOwn(METHOD_OPTIONS, name)) checkOption(name, given, METHOD_OPTIONS[name as MethodOptionName].kind);
  }
}

function unknown({ name: method, options }: { name: string; options: readonly string[] }, name: string): string {
  const guess = guessName(name, options, OPTION_ALIASES);
  const known = options.length > 0 ? `it knows ${options.join(", ")}` : "it has none";
  return `method "${method}" has no option ${shown(name)}: ${known}${guess ? `. Did you mean "${guess}"?` : ""}`;
}
