import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import {
  ForetokenError,
  type LanguageModel,
  LookupCorpus,
  loadMedusaHeads,
  type MedusaHeads,
  methods,
  type RankPath,
  type SpeculationOptions,
  SuccessorMemory,
  UsageError,
} from "../index.js";
import { type Arguments, type Flags, numberFlag, stringFlag } from "./command.js";
import { isStdin } from "./prompt.js";
import { readStdin } from "./terminal.js";

/** How to speculate. */
export const SPECULATION_FLAGS = {
  method: { type: "string", value: "NAME", help: `auto (default), ${methods.all.map(({ name }) => name).join(", ")}` },
  "num-speculative-tokens": { type: "string", short: "k", value: "K", help: "tokens drafted in a step (default 4)" },
  "draft-policy": { type: "string", value: "NAME", help: "draft: constant (default), heuristic, confidence" },
  "confidence-threshold": {
    type: "string",
    value: "P",
    help: "for confidence: stop below this probability (default 0.4)",
  },
  "tree-widths": { type: "string", value: "LIST", help: "draft: children per node by depth, e.g. 3,2,1" },
  heads: { type: "string", value: "DIR", help: "medusa: folder of Medusa heads for the target" },
  "tree-choices": {
    type: "string",
    value: "TREE",
    help: 'static tree: chain, small, medium, ... or "[[0],[0,0],[1]]"',
  },
  "tree-nodes": { type: "string", value: "N", help: "nodes of the tree (medusa, draft-medusa, recycling; default 8)" },
  "tree-ranks": { type: "string", value: "R", help: "candidates of a head that the tree may use (default 10)" },
  "dynamic-tree": { type: "boolean", help: "medusa, draft-medusa: grow the tree by probabilities in every step" },
  "max-ngram": { type: "string", value: "N", help: "ngram: longest n-gram looked for (default 3)" },
  "min-ngram": { type: "string", value: "N", help: "ngram: shortest (default 1)" },
  match: { type: "string", value: "NAME", help: "ngram: latest (default) or frequent" },
  "min-match": { type: "string", value: "N", help: "suffix: shortest match that is continued (default 1)" },
  "lookup-corpus": { type: "string", value: "FILE", help: "suffix: a text that outputs are looked up in" },
  successors: { type: "string", value: "FILE", help: "recycling: keep what was learned in FILE between runs" },
  "window-size": { type: "string", value: "W", help: "lookahead: columns of the window (default 5)" },
  "ngram-size": { type: "string", value: "N", help: "lookahead: length of its n-grams (default 4)" },
  "guess-size": { type: "string", value: "G", help: "lookahead: n-grams verified in a step (default 5)" },
  adaptive: { type: "boolean", help: "lookahead: spend fewer rows while few guesses are accepted" },
  "skip-layers": { type: "string", value: "LIST", help: "layer-skip: layers left out of the draft, from 0, e.g. 1,3" },
  drafters: { type: "string", value: "LIST", help: "merged: the methods that propose together, e.g. draft,ngram" },
  "merged-nodes": { type: "string", value: "N", help: "merged: candidates shared out in a step (default 12)" },
  alignment: { type: "string", value: "NAME", help: "universal: auto (default), shared tokens, or text" },
  coupling: { type: "string", value: "NAME", help: "gumbel (default: the very text of plain sampling) or maximal" },
  acceptance: { type: "string", value: "NAME", help: "exact (default), greedy, or typical, which is NOT lossless" },
  "posterior-threshold": { type: "string", value: "P", help: "typical: lower accepts more (default 0.09)" },
  "posterior-alpha": { type: "string", value: "A", help: "typical: scales e^-entropy (default 0.3)" },
} as const satisfies Flags;

/** Flags that name a method without saying so. */
const IMPLIED: Readonly<Record<string, string>> = {
  drafters: "merged",
  heads: "medusa",
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
  return stringFlag(args, "method") ?? (implied && IMPLIED[implied]);
}

/** The options of `speculation` that flags say in words and numbers. Ranges are checked where the options are used. */
export function speculationOptions(args: Arguments): SpeculationOptions {
  const number = (name: string) => numberFlag(args, name);
  const list = (name: string) => stringFlag(args, name)?.split(",");
  const numbers = (name: string) => list(name)?.map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  return {
    method: methodFlag(args),
    numSpeculativeTokens: number("num-speculative-tokens"),
    policy: stringFlag(args, "draft-policy"),
    confidenceThreshold: number("confidence-threshold"),
    treeWidths: numbers("tree-widths"),
    treeChoices: treeChoices(stringFlag(args, "tree-choices")),
    treeNodes: number("tree-nodes"),
    treeRanks: number("tree-ranks"),
    dynamicTree: args.flags["dynamic-tree"],
    maxNgram: number("max-ngram"),
    minNgram: number("min-ngram"),
    match: stringFlag(args, "match"),
    minMatch: number("min-match"),
    windowSize: number("window-size"),
    ngramSize: number("ngram-size"),
    guessSize: number("guess-size"),
    adaptive: args.flags.adaptive,
    skipLayers: numbers("skip-layers"),
    drafters: list("drafters"),
    mergedNodes: number("merged-nodes"),
    alignment: stringFlag(args, "alignment"),
    coupling: stringFlag(args, "coupling") as SpeculationOptions["coupling"],
    acceptance: stringFlag(args, "acceptance") as SpeculationOptions["acceptance"],
    posteriorThreshold: number("posterior-threshold"),
    posteriorAlpha: number("posterior-alpha"),
  };
}

/** What flags name that must be read from disk: heads, a corpus, a memory. */
export interface SpeculationResources {
  heads?: MedusaHeads;
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
    ...(heads !== undefined && { heads: await loadMedusaHeads(heads, target) }),
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
