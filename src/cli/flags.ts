import { type GenerateOptions, type GrammarSpec, UsageError } from "../index.js";
import { type Arguments, type Flags, numberFlag, stringFlag } from "./command.js";
import { readText, type SpeculationResources, speculationOptions } from "./speculation.js";

/** Which models, and how they are held. */
export const MODEL_FLAGS = {
  model: { type: "string", short: "m", value: "DIR", help: "checkpoint directory (default: the embedded pair)" },
  "draft-model": {
    type: "string",
    short: "d",
    value: "DIR",
    help: "smaller checkpoint that drafts, best with the same tokenizer",
  },
  "draft-heads": { type: "string", value: "DIR", help: "Medusa heads of the draft: it then drafts trees with them" },
  dtype: { type: "string", value: "TYPE", help: "q8 (default), q4 or fp32: how the target's weights are held" },
  "draft-dtype": { type: "string", value: "TYPE", help: "the same for the draft (default: the target's)" },
  "context-length": {
    type: "string",
    value: "N",
    help: "most tokens of prompt and output (default: the model's, at most 8192)",
  },
  threads: { type: "string", value: "N", help: "threads (default: the cores that are free)" },
} as const satisfies Flags;

/** How tokens are chosen and when to stop. */
export const SAMPLING_FLAGS = {
  "max-new-tokens": { type: "string", short: "n", value: "N", help: "most tokens to generate (default 256)" },
  "min-new-tokens": { type: "string", value: "N", help: "no end of sequence before this many" },
  "max-time": { type: "string", value: "SECONDS", help: "stop after this time" },
  temperature: { type: "string", short: "t", value: "T", help: "sample at this temperature (default: greedy)" },
  "top-k": { type: "string", value: "K", help: "keep the K likeliest tokens" },
  "top-p": { type: "string", value: "P", help: "keep the likeliest tokens that reach this probability" },
  "min-p": { type: "string", value: "P", help: "keep tokens at least P times as likely as the likeliest" },
  "typical-p": { type: "string", value: "P", help: "locally typical sampling" },
  "repetition-penalty": { type: "string", value: "X", help: "divides logits of tokens seen before" },
  "presence-penalty": { type: "string", value: "X", help: "subtracted from logits of tokens in the output" },
  "frequency-penalty": { type: "string", value: "X", help: "subtracted for each time a token is in the output" },
  seed: { type: "string", short: "s", value: "S", help: "seed of the sampling noise (default 0)" },
  stop: { type: "string", multiple: true, value: "TEXT", help: "end before this text; may be given several times" },
  "json-schema": { type: "string", value: "FILE", help: "write JSON that this schema allows" },
  grammar: { type: "string", value: "FILE", help: "write what this grammar allows (EBNF; json: any JSON)" },
  "ignore-eos": { type: "boolean", help: "go on after end-of-sequence tokens" },
} as const satisfies Flags;

export const OUTPUT_FLAGS = {
  json: { type: "boolean", help: "print one JSON object on standard output, everything else on standard error" },
  "no-color": { type: "boolean", help: "no colours" },
} as const satisfies Flags;

/** The options of `generate` that the flags ask for. Ranges are checked where the options are used. */
export function generateOptions(args: Arguments, resources: SpeculationResources = {}): GenerateOptions {
  const number = (name: string) => numberFlag(args, name);
  const options: GenerateOptions = {
    maxNewTokens: number("max-new-tokens"),
    minNewTokens: number("min-new-tokens"),
    maxTime: number("max-time"),
    temperature: number("temperature"),
    topK: number("top-k"),
    topP: number("top-p"),
    minP: number("min-p"),
    typicalP: number("typical-p"),
    repetitionPenalty: number("repetition-penalty"),
    presencePenalty: number("presence-penalty"),
    frequencyPenalty: number("frequency-penalty"),
    seed: number("seed"),
    stopStrings: args.flags.stop as string[] | undefined,
    ignoreEos: args.flags["ignore-eos"] as boolean | undefined,
    grammar: grammarFlag(args),
    speculation: { ...speculationOptions(args), ...resources },
  };
  return withoutUndefined({ ...options, speculation: withoutUndefined(options.speculation!) });
}

function grammarFlag(args: Arguments): GrammarSpec | undefined {
  const [schema, grammar] = [stringFlag(args, "json-schema"), stringFlag(args, "grammar")];
  if (schema !== undefined && grammar !== undefined) throw new UsageError("give --json-schema or --grammar, not both");
  if (grammar !== undefined) return grammar === "json" ? "json" : { ebnf: readText(grammar) };
  if (schema === undefined) return undefined;
  try {
    return { jsonSchema: JSON.parse(readText(schema)) };
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError(`${schema} is no JSON: ${error.message}`);
    throw error;
  }
}

function withoutUndefined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
