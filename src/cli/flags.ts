import { LOAD_OPTIONS, MOST_CONTEXT } from "../api/load-options.js";
import { OUTPUT_OPTIONS } from "../api/output-options.js";
import { checkGenerateOptions } from "../api/resolve-request.js";
import { type GenerateOptions, type GrammarSpec, type LanguageModel, type TokenId, UsageError } from "../index.js";
import { RUNTIME_OPTIONS } from "../runtime/environment.js";
import { SAMPLING_OPTIONS } from "../sampling/sampling-options.js";
import { oneLine, shown } from "../types/shown.js";
import { type Arguments, type Flags, stringFlag } from "./command.js";
import { unescaped } from "./escapes.js";
import type { Models } from "./models.js";
import { optionFlags } from "./option-flags.js";
import { readText, sourceName, speculationOptions } from "./speculation.js";

/** How models are loaded. */
export const LOAD_FLAGS = optionFlags(LOAD_OPTIONS, {
  dtype: { value: "TYPE", help: "how the target's weights are held" },
  cacheDtype: { value: "TYPE", help: "how keys and values are held, the draft's too" },
  contextLength: {
    help: "most tokens of prompt and output; the draft's too, as far as it goes",
    without: `the model's, at most ${MOST_CONTEXT}`,
  },
});
export const RUNTIME_FLAGS = optionFlags(RUNTIME_OPTIONS);

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
  dtype: LOAD_FLAGS.flags.dtype,
  "draft-dtype": { type: "string", value: "TYPE", help: "the same for the draft (default: --dtype)" },
  "cache-dtype": LOAD_FLAGS.flags["cache-dtype"],
  "context-length": LOAD_FLAGS.flags["context-length"],
  threads: RUNTIME_FLAGS.flags.threads,
} satisfies Flags;

const { maxNewTokens, minNewTokens, maxTime, temperature, ...rest } = { ...SAMPLING_OPTIONS, ...OUTPUT_OPTIONS };

/** How tokens are chosen, when to stop, what is written. */
export const GENERATE_FLAGS = optionFlags(
  { maxNewTokens, minNewTokens, maxTime, temperature, ...rest },
  {
    maxNewTokens: { short: "n" },
    maxTime: { value: "SECONDS" },
    temperature: { short: "t", value: "T", help: "sample at this temperature", without: "0, greedy" },
    // A temperature says it.
    doSample: false,
    topK: { value: "K" },
    repetitionPenalty: { value: "X" },
    presencePenalty: { value: "X" },
    frequencyPenalty: { value: "X" },
    seed: { short: "s", value: "S", without: "a new one each time" },
    generationConfig: { value: "model" },
    stopStrings: {
      flag: "stop",
      multiple: true,
      value: "TEXT",
      help: "end before this text, e.g. '\\n\\n' (\\n, \\t, \\xNN, \\uNNNN, \\\\); may be given several times",
      read: (text) => unescaped(text, "stop"),
    },
    stopTokenIds: {
      flag: "stop-token",
      multiple: true,
      value: "ID|TEXT",
      help: "end at this token, e.g. 13 or '<|im_end|>'; may be given several times",
    },
    grammar: { value: "FILE", help: "write what this grammar allows (EBNF; json: any JSON; -: standard input)" },
    // One output is written.
    numReturnSequences: false,
    logProbs: { flag: "logprobs", help: `with --json: ${OUTPUT_OPTIONS.logProbs.help}` },
    skipSpecialTokens: {
      flag: "show-special-tokens",
      help: "write special tokens, such as <|im_end|>, into the text",
    },
  },
);

const { logprobs, ...written } = GENERATE_FLAGS.flags;

/** --logprobs, for commands that write them. */
export const LOGPROBS_FLAG: Flags = { logprobs };

export const SAMPLING_FLAGS: Flags = {
  ...written,
  "json-schema": { type: "string", value: "FILE", help: "write JSON that this schema allows (-: standard input)" },
};

export const OUTPUT_FLAGS = {
  json: { type: "boolean", help: "print one JSON object on standard output, everything else on standard error" },
  "no-color": { type: "boolean", help: "no colours" },
} as const satisfies Flags;

/** The options of `generate` that the flags ask for, read once: files may be pipes. @throws UsageError */
export async function generateOptions(args: Arguments): Promise<GenerateOptions> {
  // What is out of range is told before models are loaded.
  return checkGenerateOptions({
    ...GENERATE_FLAGS.read(args),
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
