import { METHOD_OPTIONS, type MethodOptionName, methods, type SpeculationOptions } from "../index.js";
import { type Arguments, type Flag, type Flags, numberFlag, stringFlag } from "./command.js";

/** What differs from the option's own name, or cannot be written on a command line as it is. */
const SPECIAL: Readonly<
  Partial<Record<MethodOptionName, { flag?: string; short?: string; value?: string; help?: string }>>
> = {
  numSpeculativeTokens: { short: "k", value: "K" },
  policy: { flag: "draft-policy" },
  heads: { value: "DIR", help: "folder of Medusa or EAGLE-3 heads for the target" },
  lookupCorpus: { value: "FILE", help: "a text that outputs are looked up in" },
  successors: { value: "FILE", help: "keep what was learned in FILE between runs" },
  treeChoices: { value: "TREE" },
  windowSize: { value: "W" },
  guessSize: { value: "G" },
};
const VALUES = {
  integer: "N",
  number: "P",
  choice: "NAME",
  text: "TEXT",
  list: "LIST",
  object: "LIST",
  boolean: undefined,
};
/** An option that more methods have is told without naming them. */
const NAMED = 3;

const names = (Object.keys(METHOD_OPTIONS) as MethodOptionName[]).filter((name) => name !== "partOptions");

/** "maxNgram" -> "max-ngram"; what is true unless told otherwise gets a "no-" before it. */
export function flagOf(name: MethodOptionName): string {
  const kebab = SPECIAL[name]?.flag ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return METHOD_OPTIONS[name].fallback === true ? `no-${kebab}` : kebab;
}

/** A flag for every option of the methods. */
export const METHOD_FLAGS: Flags = Object.fromEntries(names.map((name) => [flagOf(name), flag(name)]));

function flag(name: MethodOptionName): Flag {
  const { kind, help, fallback } = METHOD_OPTIONS[name];
  const special = SPECIAL[name] ?? {};
  const having = methods.all.filter(({ options }) => options.includes(name)).map((method) => method.name);
  const by = having.length > 0 && having.length <= NAMED ? `${having.join(", ")}: ` : "";
  const choices = kind.choices ? ` (${kind.choices.join(", ")})` : "";
  const short = special.short && { short: special.short };
  if (kind.type === "boolean") return { type: "boolean", help: `${by}${fallback === true ? "do not " : ""}${help}` };
  const without = fallback === undefined ? "" : `; default ${fallback}`;
  const value = special.value ?? VALUES[kind.type];
  return { type: "string", ...short, value, help: `${by}${special.help ?? help}${choices}${without}` };
}

/** The options that flags say in words and numbers; ranges are checked where the options are used. */
export function methodOptions(args: Arguments): SpeculationOptions {
  const entries = names.map((name) => [
    name,
    METHOD_OPTIONS[name].kind.type === "object" ? undefined : read(args, name),
  ]);
  return Object.fromEntries(entries);
}

function read(args: Arguments, name: MethodOptionName): unknown {
  const flag = flagOf(name);
  const { kind, fallback } = METHOD_OPTIONS[name];
  if (kind.type === "boolean") return args.flags[flag] === undefined ? undefined : fallback !== true;
  if (kind.type === "integer" || kind.type === "number") return numberFlag(args, flag);
  if (kind.type === "list") return numbers(stringFlag(args, flag));
  return stringFlag(args, flag);
}

export function numbers(text: string | undefined): number[] | undefined {
  return text?.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
}
