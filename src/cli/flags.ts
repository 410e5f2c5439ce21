import { checkGenerateOptions } from "../api/resolve-request.js";
import { type GenerateOptions, type GrammarSpec, type LanguageModel, type TokenId, UsageError } from "../index.js";
import { oneLine, shown } from "../types/shown.js";
import { type Arguments, type Flags, numberFlag, stringFlag } from "./command.js";
import { unescaped } from "./escapes.js";
import type { Models } from "./models.js";
import { readText, sourceName, speculationOptions } from "./speculation.js";

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
    help: "most tokens of prompt and output (default: the model's, at most 8192); the draft's too, as far as it goes",
  },
  threads: { type: "string", value: "N", help: "threads (default: the cores that are free)" },
} as const satisfies Flags;

/** How tokens are chosen and when to stop. */
export const SAMPLING_FLAGS = {
  "max-new-tokens": { type: "string", short: "n", value: "N", help: "most tokens to generate (default 256)" },
  "min-new-tokens": { type: "string", value: "N", help: "no end of sequence before this many" },
  "max-time": { type: "string", value: "SECONDS", help: "stop after this time" },
  temperature: { type: "string", short: "t", value: "T", help: "sample at this temperature (default 0: greedy)" },
  "top-k": { type: "string", value: "K", help: "keep the K likeliest tokens" },
  "top-p": { type: "string", value: "P", help: "keep the likeliest tokens that reach this probability" },
  "min-p": { type: "string", value: "P", help: "keep tokens at least P times as likely as the likeliest" },
  "typical-p": { type: "string", value: "P", help: "locally typical sampling" },
  "repetition-penalty": { type: "string", value: "X", help: "divides logits of tokens seen before" },
  "presence-penalty": { type: "string", value: "X", help: "subtracted from logits of tokens in the output" },
  "frequency-penalty": { type: "string", value: "X", help: "subtracted for each time a token is in the output" },
  seed: { type: "string", short: "s", value: "S", help: "seed of the sampling noise (default: a new one each time)" },
  "generation-config": {
    type: "string",
    value: "model",
    help: "take sampling and limits that are not given from the checkpoint's generation_config.json",
  },
  stop: {
    type: "string",
    multiple: true,
    value: "TEXT",
    help: "end before this text, e.g. '\\n\\n' (\\n, \\t, \\xNN, \\uNNNN, \\\\); may be given several times",
  },
  "stop-token": {
    type: "string",
    multiple: true,
    value: "ID|TEXT",
    help: "end at this token, e.g. 13 or '<|im_end|>'; may be given several times",
  },
  "json-schema": { type: "string", value: "FILE", help: "write JSON that this schema allows (-: standard input)" },
  grammar: {
    type: "string",
    value: "FILE",
    help: "write what this grammar allows (EBNF; json: any JSON; -: standard input)",
  },
  "ignore-eos": { type: "boolean", help: "go on after end-of-sequence tokens" },
  "show-special-tokens": { type: "boolean", help: "write special tokens, such as <|im_end|>, into the text" },
} as const satisfies Flags;

export const OUTPUT_FLAGS = {
  json: { type: "boolean", help: "print one JSON object on standard output, everything else on standard error" },
  "no-color": { type: "boolean", help: "no colours" },
} as const satisfies Flags;

/** The options of `generate` that the flags ask for, read once: files may be pipes. @throws UsageError */
export async function generateOptions(args: Arguments): Promise<GenerateOptions> {
  const number = (name: string) => numberFlag(args, name);
  const flag = (name: string) => args.flags[name] as boolean | undefined;
  // What is out of range is told before models are loaded.
  return checkGenerateOptions({
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
    logProbs: number("logprobs"),
    generationConfig: stringFlag(args, "generation-config") as "model" | undefined,
    stopStrings: (args.flags.stop as string[] | undefined)?.map((text) => unescaped(text, "stop")),
    ignoreEos: flag("ignore-eos"),
    skipSpecialTokens: flag("show-special-tokens") ? false : undefined,
    speculation: withoutUndefined(speculationOptions(args)),
    grammar: await grammarFlag(args),
  });
}

/** The same with what only the loaded models know. */
export function withModels(options: GenerateOptions, args: Arguments, { target, draft, resources }: Models) {
  const speculation = { ...options.speculation, ...resources };
  const stopTokens = args.flags["stop-token"] as string[] | undefined;
  const stopTokenIds = stopTokens?.map((text) => stopTokenId(text, target));
  return withoutUndefined<GenerateOptions>({ ...options, speculation, stopTokenIds, assistantModel: draft });
}

/** An id, a token as the vocabulary writes it, or text that is one token. */
function stopTokenId(text: string, { tokenizer }: LanguageModel): TokenId {
  if (/^\d+$/.test(text)) return Number(text);
  if (!tokenizer) throw new UsageError(`--stop-token ${shown(text)}: the model has no tokenizer, give an id`);
  const known = tokenizer.tokenToId(text);
  if (known !== undefined) return known;
  const ids = tokenizer.encode(unescaped(text, "stop-token"), { addSpecialTokens: false });
  if (ids.length === 1) return ids[0];
  throw new UsageError(`--stop-token: ${shown(text)} is no token but ${ids.length} of them: give an id, or use --stop`);
}

async function grammarFlag(args: Arguments): Promise<GrammarSpec | undefined> {
  const [schema, grammar] = [stringFlag(args, "json-schema"), stringFlag(args, "grammar")];
  if (schema !== undefined && grammar !== undefined) throw new UsageError("give --json-schema or --grammar, not both");
  if (grammar !== undefined) return grammar === "json" ? "json" : { ebnf: await readText(grammar) };
  if (schema === undefined) return undefined;
  try {
    return { jsonSchema: JSON.parse(await readText(schema)) };
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new UsageError(`${sourceName(schema)} is no JSON: ${oneLine(error.message, 160)}`);
    throw error;
  }
}

function withoutUndefined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
