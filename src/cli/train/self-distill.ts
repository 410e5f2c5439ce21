import { checkGenerateOptions } from "../../api/resolve-request.js";
import { PromptFiles, type SelfDistillOptions, selfDistill } from "../../index.js";
import { type Arguments, type Command, numberFlag } from "../command.js";
import { MODEL_FLAGS, OUTPUT_FLAGS, SAMPLING_FLAGS } from "../flags.js";
import { interruptSignal } from "../interrupt.js";
import { loadModels } from "../models.js";
import { SPECULATION_FLAGS, saveResources, speculationOptions } from "../speculation.js";
import { DistillProgress } from "./distill-progress.js";
import { neededFlag } from "./flags.js";

const { "max-new-tokens": maxNewTokens, temperature, "top-k": topK, "top-p": topP } = SAMPLING_FLAGS;

export const selfDistillCommand: Command = {
  name: "train self-distill",
  summary: "Lets the target answer prompts: the text that drafters learn best from.",
  usage: "--prompts PATH --out FILE.jsonl [options]",
  words: 0,
  flags: {
    prompts: {
      type: "string",
      value: "PATH",
      help: "a file of JSON lines (messages, conversations, prompt or text) or of text, a prompt a line, or a folder of such",
    },
    out: {
      type: "string",
      short: "o",
      value: "FILE",
      help: "new file of JSON lines, which train medusa takes as --data",
    },
    "prefix-tokens": {
      type: "string",
      value: "N",
      help: "continue the first N tokens of each text, for models that continue stories",
    },
    "max-new-tokens": maxNewTokens,
    temperature,
    "top-k": topK,
    "top-p": topP,
    seed: { type: "string", short: "s", value: "S", help: "decides what is sampled (default 0)" },
    "batch-size": { type: "string", value: "N", help: "prompts answered at the same time (default 16)" },
    strict: { type: "boolean", help: "stop at the first line that is no prompt (default: leave it out and say so)" },
    resume: { type: "boolean", help: "go on behind the last answer in --out, with the same options" },
    ...MODEL_FLAGS,
    ...SPECULATION_FLAGS,
    ...OUTPUT_FLAGS,
  },
  examples: [
    [
      "foretoken train self-distill --prompts tales.txt --prefix-tokens 16 -t 0.8 --out stories.jsonl",
      "the embedded target continues beginnings of tales",
    ],
    [
      "foretoken train self-distill -m ./SmolLM2-135M-Instruct --prompts questions.jsonl -t 0.7 --out answers.jsonl",
      "a chat model answers questions",
    ],
    [
      "foretoken train self-distill --prompts tales.txt --prefix-tokens 16 -t 0.8 --out stories.jsonl --resume",
      "goes on after Ctrl-C, or whatever ended it, to the same bytes",
    ],
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const path = neededFlag(args, "train self-distill", "prompts", "a file of prompts");
  const output = neededFlag(args, "train self-distill", "out", "a new file for the answers");
  const asked = samplingOptions(args);
  const prompts = await PromptFiles.open(path, { strict: args.flags.strict === true });
  const { signal, release } = interruptSignal();
  let progress: DistillProgress | undefined;
  try {
    const { target, draft, resources } = await loadModels(args, signal);
    progress = new DistillProgress(await prompts.count(), args.flags.json === true);
    const result = await selfDistill(target, prompts, {
      ...asked,
      ...{ output, signal, assistantModel: draft },
      speculation: withoutUndefined({ ...speculationOptions(args), ...resources }),
      onProgress: (event) => progress!.show(event),
    });
    saveResources(args, resources);
    progress.end();
    process.stdout.write(args.flags.json ? `${JSON.stringify(result)}\n` : progress.summary(result));
  } catch (error) {
    progress?.end();
    if (signal.aborted) process.stderr.write("foretoken: stopped; the same command with --resume goes on\n");
    throw error;
  } finally {
    release();
  }
}

function samplingOptions(args: Arguments): Omit<SelfDistillOptions, "output"> {
  const number = (name: string) => numberFlag(args, name);
  const sampling = {
    ...{ maxNewTokens: number("max-new-tokens"), temperature: number("temperature") },
    ...{ topK: number("top-k"), topP: number("top-p"), seed: number("seed") },
  };
  // What is out of range is told before models are loaded.
  checkGenerateOptions(sampling);
  const [prefixTokens, batchSize] = [number("prefix-tokens"), number("batch-size")];
  return withoutUndefined({ ...sampling, prefixTokens, batchSize, resume: args.flags.resume === true });
}

function withoutUndefined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
