import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { REQUEST_OPTIONS } from "../api/speculation-options.js";
import {
  type EagleHeads,
  ForetokenError,
  type LanguageModel,
  LookupCorpus,
  type MedusaHeads,
  methods,
  type SpeculationOptions,
  SuccessorMemory,
} from "../index.js";
import { type Arguments, type Flags, stringFlag } from "./command.js";
import { loadHeads, methodOfHeads } from "./heads.js";
import { METHOD_FLAGS } from "./method-flags.js";
import { optionFlags } from "./option-flags.js";
import { isStdin } from "./prompt.js";
import { readStdin } from "./terminal.js";

/** What holds for every method. */
export const REQUEST_FLAGS = optionFlags(REQUEST_OPTIONS, {
  method: { value: "NAME", help: `what drafts: auto, ${methods.all.map(({ name }) => name).join(", ")}` },
  posteriorAlpha: { value: "A" },
});

/** How to speculate. */
export const SPECULATION_FLAGS: Flags = {
  method: REQUEST_FLAGS.flags.method,
  ...METHOD_FLAGS.flags,
  ...REQUEST_FLAGS.flags,
};

/** Flags that name a method without saying so. */
const IMPLIED: Readonly<Record<string, string>> = {
  drafters: "merged",
  "lookup-corpus": "suffix",
  successors: "recycling",
  "window-size": "lookahead",
  "ngram-size": "lookahead",
  "guess-size": "lookahead",
  adaptive: "lookahead",
  "skip-layers": "layer-skip",
  "draft-heads": "draft-medusa",
};

/** --method, or the method that another flag belongs to. */
export function methodFlag(args: Arguments): string | undefined {
  const implied = Object.keys(IMPLIED).find((flag) => args.flags[flag] !== undefined);
  const heads = stringFlag(args, "heads");
  const byHeads = () => (heads === undefined ? undefined : methodOfHeads(heads));
  return stringFlag(args, "method") ?? (implied ? IMPLIED[implied] : byHeads());
}

/** The options of `speculation` that flags say in words and numbers. Ranges are checked where the options are used. */
export function speculationOptions(args: Arguments): SpeculationOptions {
  return { ...METHOD_FLAGS.read(args), ...REQUEST_FLAGS.read(args), method: methodFlag(args) };
}

/** What flags name that must be read from disk: heads, a corpus, a memory. */
export interface SpeculationResources {
  heads?: MedusaHeads | EagleHeads;
  lookupCorpus?: LookupCorpus;
  successors?: SuccessorMemory;
}

/** @param embedded folders of heads by method, for methods that want heads when none are named */
export async function loadResources(
  args: Arguments,
  target: LanguageModel,
  embedded: Partial<Record<"medusa" | "eagle", string>>,
): Promise<SpeculationResources> {
  const method = methodFlag(args);
  const drafters = [method, ...(stringFlag(args, "drafters") ?? "").split(",")];
  const wanted = (["medusa", "eagle"] as const).find((name) => drafters.includes(name));
  const heads = stringFlag(args, "heads") ?? (wanted && embedded[wanted]);
  const corpus = stringFlag(args, "lookup-corpus");
  const successors = stringFlag(args, "successors");
  return {
    ...(heads !== undefined && { heads: await loadHeads(heads, target) }),
    ...(corpus !== undefined && { lookupCorpus: new LookupCorpus(target.promptIds(await readText(corpus))) }),
    ...(successors !== undefined && { successors: memory(successors, target.model.vocabLimit) }),
  };
}

/** Keeps in --successors what this run has learned. */
export function saveResources(args: Arguments, { successors }: SpeculationResources): void {
  const path = stringFlag(args, "successors");
  if (path !== undefined) successors?.save(path);
}

function memory(path: string, vocabSize: number): SuccessorMemory {
  return existsSync(path) ? SuccessorMemory.load(path, vocabSize) : new SuccessorMemory(vocabSize);
}

/** How an error names what `readText` reads. */
export function sourceName(path: string): string {
  return isStdin(path) ? "standard input" : path;
}

/** A file as text; "-" is standard input. */
export async function readText(path: string): Promise<string> {
  if (isStdin(path)) return readStdin();
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new ForetokenError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
