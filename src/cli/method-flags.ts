import { METHOD_OPTIONS, type MethodOptionName, methods, type RankPath, UsageError } from "../index.js";
import { type FlagForm, numbers, optionFlags } from "./option-flags.js";

/** What does not follow from the declaration. */
const FORMS: Readonly<Partial<Record<MethodOptionName, FlagForm>>> = {
  numSpeculativeTokens: { short: "k", value: "K" },
  policy: { flag: "draft-policy" },
  heads: { value: "DIR", help: "folder of Medusa or EAGLE-3 heads for the target" },
  lookupCorpus: { value: "FILE" },
  successors: { value: "FILE", help: "keep what was learned in FILE between runs" },
  treeChoices: { value: "TREE", read: treeChoices },
  windowSize: { value: "W" },
  guessSize: { value: "G" },
  skipLayers: { value: "LIST", read: numbers },
  drafters: { value: "LIST", read: (text) => text.split(",") },
};
/** An option that more methods have is told without naming them. */
const NAMED = 3;

/** The methods that have the option, for its help. */
function methodsWith(name: MethodOptionName): string {
  const having = methods.all.filter(({ options }) => options.includes(name)).map((method) => method.name);
  return having.length > 0 && having.length <= NAMED ? `${having.join(", ")}: ` : "";
}

const names = Object.keys(METHOD_OPTIONS) as MethodOptionName[];

/**
 * A flag for every option of the methods but partOptions. What heads, lookup-corpus and successors name is of the loaded
 * target: `loadResources` reads it.
 */
export const METHOD_FLAGS = optionFlags(
  METHOD_OPTIONS,
  Object.fromEntries(names.map((name) => [name, { ...FORMS[name], before: methodsWith(name) }])),
);

function treeChoices(text: string): RankPath[] | string {
  if (!text.trim().startsWith("[")) return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`--tree-choices must be a preset's name or paths such as [[0],[0,0],[1]], got ${text}`);
  }
}
