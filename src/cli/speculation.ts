import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import {
  type EagleHeads,
  ForetokenError,
  type LanguageModel,
  LookupCorpus,
  type MedusaHeads,
  methods,
  type RankPath,
  type SpeculationOptions,
  SuccessorMemory,
  UsageError,
} from "../index.js";
import { type Arguments, type Flags, numberFlag, stringFlag } from "./command.js";
import { loadHeads, methodOfHeads } from "./heads.js";
import { METHOD_FLAGS, methodOptions, numbers } from "./method-flags.js";
import { isStdin } from "./prompt.js";
import { readStdin } from "./terminal.js";

/** How to speculate. */
export const SPECULATION_FLAGS = {
  method: { type: "string", value: "NAME", help: `auto (default), ${methods.all.map(({ name }) => name).join(", ")}` },
  ...METHOD_FLAGS,
  coupling: { type: "string", value: "NAME", help: "gumbel (default: the very text of plain sampling) or maximal" },
  acceptance: { type: "string", value: "NAME", help: "exact (default), greedy, or typical, which is NOT lossless" },
  "posterior-threshold": { type: "string", value: "P", help: "typical: lower accepts more (default 0.09)" },
  "posterior-alpha": { type: "string", value: "A", help: "typical: scales e^-entropy (default 0.3)" },
} satisfies Flags;

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
  const number = (name: string) => numberFlag(args, name);
  return {
    ...methodOptions(args),
    method: methodFlag(args),
    treeChoices: treeChoices(stringFlag(args, "tree-choices")),
    skipLayers: numbers(stringFlag(args, "skip-layers")),
    drafters: stringFlag(args, "drafters")?.split(","),
    coupling: stringFlag(args, "coupling") as SpeculationOptions["coupling"],
    acceptance: stringFlag(args, "acceptance") as SpeculationOptions["acceptance"],
    posteriorThreshold: number("posterior-threshold"),
    posteriorAlpha: number("posterior-alpha"),
  };
}

/** What flags name that must be read from disk: heads, a corpus, a memory. */
export interface SpeculationResources {
  heads?: MedusaHeads | EagleHeads;
  lookupCorpus?: LookupCorpus;
  successors?: SuccessorMemory;
}

/** @param embeddedHeads used by the methods that want heads when none are named */
export async function loadResources(
  args: Arguments,
  target: LanguageModel,
  embeddedHeads: string | undefined,
): Promise<SpeculationResources> {
  const method = methodFlag(args);
  const wantsHeads = method === "medusa" || (stringFlag(args, "drafters") ?? "").split(",").includes("medusa");
  const heads = stringFlag(args, "heads") ?? (wantsHeads ? embeddedHeads : undefined);
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

function treeChoices(text: string | undefined): RankPath[] | string | undefined {
  if (!text?.trim().startsWith("[")) return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`--tree-choices must be a preset's name or paths such as [[0],[0,0],[1]], got ${text}`);
  }
}
