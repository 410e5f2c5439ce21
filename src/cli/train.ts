import { configureRuntime, type Dtype, type TrainMedusaOptions, trainMedusa, UsageError } from "../index.js";
import { prepareOutput } from "../training/loop/output-folder.js";
import { HEADS_FILE } from "../training/medusa/write-heads.js";
import { checkTextFile, textExamples } from "../training/text-examples.js";
import { shown } from "../types/shown.js";
import { type Arguments, type Command, numberFlag, stringFlag } from "./command.js";
import { MODEL_FLAGS, OUTPUT_FLAGS } from "./flags.js";
import { interruptSignal } from "./interrupt.js";
import { EMBEDDED_TARGET, load } from "./models.js";
import { accuracyTable, TrainingProgress } from "./training-progress.js";

/** Tokens that the base reads at once unless --sequence-length says otherwise. */
const SEQUENCE = 256;

export const trainCommand: Command = {
  name: "train",
  summary: "Trains drafters: Medusa heads on a frozen base.",
  usage: "medusa --data FILE --out DIR [options]",
  words: 1,
  flags: {
    model: { ...MODEL_FLAGS.model, help: "the base's checkpoint directory (default: the embedded target)" },
    data: { type: "string", value: "FILE", help: 'text, or JSON lines {"text": ...} where the name ends in .jsonl' },
    out: { type: "string", short: "o", value: "DIR", help: "new folder for the heads" },
    heads: { type: "string", value: "N", help: "heads (default 4)" },
    layers: { type: "string", value: "N", help: "ResBlocks of each head (default 1; 0: an output product alone)" },
    "shared-head": { type: "boolean", help: "share the base's output product instead of training copies" },
    "learning-rate": { type: "string", value: "X", help: "highest learning rate (default 0.001; muon: 0.01)" },
    optimiser: { type: "string", value: "NAME", help: "adamw (default) or muon" },
    epochs: { type: "string", value: "N", help: "times that each token is trained on (default 1)" },
    "max-steps": { type: "string", value: "N", help: "most steps" },
    "max-tokens": { type: "string", value: "N", help: "most tokens that are read from the data" },
    "batch-size": { type: "string", value: "N", help: "tokens of a step (default 1024)" },
    "sequence-length": { type: "string", value: "N", help: `tokens of a piece of text (default ${SEQUENCE})` },
    seed: { type: "string", short: "s", value: "S", help: "decides the order of the tokens (default 0)" },
    weights: { type: "string", value: "TYPE", help: "F16 (default), BF16 or F32: how the heads are written" },
    "checkpoint-minutes": { type: "string", value: "N", help: "minutes between checkpoints (default 5)" },
    resume: { type: "boolean", help: "go on from the checkpoint in --out, with the same options" },
    dtype: { ...MODEL_FLAGS.dtype, help: "q8 (default), q4 or fp32: how the base will serve" },
    threads: MODEL_FLAGS.threads,
    ...OUTPUT_FLAGS,
  },
  examples: [
    ["foretoken train medusa --data stories.txt --out heads", "four heads for the embedded target"],
    ["foretoken train medusa --data stories.txt --out heads --resume", "goes on after Ctrl-C, to the same bits"],
    [
      "foretoken train medusa -m ./SmolLM2-135M-Instruct --data answers.jsonl -o heads --shared-head",
      "heads for a model of yours that share its output product",
    ],
    ["foretoken generate --heads heads 'Once upon a time'", "what they are for"],
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const what = args.words[0];
  if (what !== "medusa") {
    const got = what === undefined ? "nothing" : shown(what);
    throw new UsageError(`foretoken train must be told what to train: medusa, got ${got}. See: foretoken train --help`);
  }
  const data = needed(args, "data", "a file of text");
  const output = needed(args, "out", "a new folder for the heads");
  await checkTextFile(data);
  const resume = args.flags.resume === true;
  await prepareOutput(output, HEADS_FILE, resume);
  const threads = numberFlag(args, "threads");
  if (threads !== undefined) configureRuntime({ threads });
  const { signal, release } = interruptSignal();
  const progress = new TrainingProgress(args.flags.json === true);
  try {
    const dtype = stringFlag(args, "dtype") as Dtype | undefined;
    const base = await load(stringFlag(args, "model") ?? EMBEDDED_TARGET, { dtype, signal });
    if (!base.tokenizer) throw new UsageError("the base has no tokenizer.json: its text cannot be tokenised");
    const length = numberFlag(args, "sequence-length") ?? Math.min(SEQUENCE, base.contextLength);
    const options: TrainMedusaOptions = {
      ...trainingOptions(args),
      ...{ output, resume, signal, sequenceLength: length },
      onProgress: (event) => progress.show(event),
    };
    const result = await trainMedusa(base, textExamples(data, base.tokenizer, length), options);
    progress.end();
    process.stdout.write(args.flags.json ? `${JSON.stringify(result)}\n` : accuracyTable(result));
  } catch (error) {
    progress.end();
    if (signal.aborted) process.stderr.write(`foretoken: stopped; the same command with --resume goes on\n`);
    throw error;
  } finally {
    release();
  }
}

function trainingOptions(args: Arguments): Partial<TrainMedusaOptions> {
  const number = (name: string) => numberFlag(args, name);
  return {
    heads: number("heads"),
    layers: number("layers"),
    sharedHead: args.flags["shared-head"] as boolean | undefined,
    learningRate: number("learning-rate"),
    optimiser: stringFlag(args, "optimiser") as TrainMedusaOptions["optimiser"],
    epochs: number("epochs"),
    maxSteps: number("max-steps"),
    maxTokens: number("max-tokens"),
    batchSize: number("batch-size"),
    seed: number("seed"),
    weights: stringFlag(args, "weights") as TrainMedusaOptions["weights"],
    checkpointMinutes: number("checkpoint-minutes"),
  };
}

function needed(args: Arguments, name: string, what: string): string {
  const given = stringFlag(args, name);
  if (given === undefined) throw new UsageError(`foretoken train medusa needs --${name}: ${what}`);
  return given;
}
