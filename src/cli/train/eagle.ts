import { type TrainEagleOptions, trainEagle } from "../../index.js";
import { dataFiles } from "../../training/data/data-files.js";
import { HEADS_FILE } from "../../training/eagle/write-heads.js";
import { prepareOutput } from "../../training/loop/output-folder.js";
import { type Arguments, type Command, numberFlag, stringFlag } from "../command.js";
import { OUTPUT_FLAGS } from "../flags.js";
import { interruptSignal } from "../interrupt.js";
import { BASE_FLAGS, DATA_FLAGS, loadBase, neededFlag, openData, RUN_FLAGS } from "./flags.js";
import { stepTable, TrainingProgress } from "./training-progress.js";

/** Tokens of a packed sequence unless --sequence-length says otherwise. */
const SEQUENCE = 256;

export const trainEagleCommand: Command = {
  name: "train eagle",
  summary: "Trains an EAGLE-3 layer on a frozen target.",
  usage: "--data PATH --out DIR [options]",
  words: 0,
  flags: {
    ...DATA_FLAGS,
    ...BASE_FLAGS,
    steps: { type: "string", value: "N", help: "tokens drafted after each row while training, 1 to 8 (default 4)" },
    loss: { type: "string", value: "NAME", help: "kl (default), or lk: -log of the chance to be accepted" },
    "draft-vocabulary": {
      type: "string",
      value: "N",
      help: "most frequent tokens that the layer can name (default: all, at most 8192)",
    },
    "train-head": { type: "boolean", help: "train the output product instead of keeping the target's" },
    "learning-rate": { type: "string", value: "X", help: "highest learning rate (default 0.001; muon: 0.01)" },
    optimiser: { type: "string", value: "NAME", help: "adamw (default) or muon" },
    "batch-size": { type: "string", value: "N", help: "tokens of a step (default: 4 sequences)" },
    "sequence-length": { type: "string", value: "N", help: `tokens of a packed sequence (default ${SEQUENCE})` },
    weights: { type: "string", value: "TYPE", help: "BF16 (default), F16 or F32: how the heads are written" },
    layout: { type: "string", value: "NAME", help: "eagle (default: SafeAILab/EAGLE's) or speculators" },
    ...RUN_FLAGS,
    ...OUTPUT_FLAGS,
  },
  examples: [
    ["foretoken train eagle --data stories.txt --out heads", "for the embedded target"],
    ["foretoken train eagle --data stories.txt --out heads --resume", "goes on after Ctrl-C, to the same bits"],
    [
      "foretoken train eagle -m ./SmolLM2-135M-Instruct --data answers.jsonl -o heads --draft-vocabulary 8192",
      "for a model of yours",
    ],
    ["foretoken generate --heads heads 'Once upon a time'", "what they are for"],
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const data = neededFlag(args, "train eagle", "data", "a file or folder of text");
  const output = neededFlag(args, "train eagle", "out", "a new folder for the heads");
  // Before the model is loaded.
  await dataFiles(data);
  const resume = args.flags.resume === true;
  await prepareOutput(output, HEADS_FILE, resume);
  const { signal, release } = interruptSignal();
  const progress = new TrainingProgress(args.flags.json === true);
  try {
    const base = await loadBase(args, signal);
    const sequenceLength = numberFlag(args, "sequence-length") ?? Math.min(SEQUENCE, base.contextLength - 1);
    const options: TrainEagleOptions = {
      ...trainingOptions(args),
      ...{ output, resume, signal, sequenceLength },
      onProgress: (event) => progress.show(event),
    };
    // A text of so many tokens and one makes a whole sequence of rows.
    const result = await trainEagle(base, await openData(args, data, base.tokenizer, sequenceLength + 1), options);
    progress.end();
    process.stdout.write(args.flags.json ? `${JSON.stringify(result)}\n` : stepTable(result));
  } catch (error) {
    progress.end();
    if (signal.aborted) process.stderr.write(`foretoken: stopped; the same command with --resume goes on\n`);
    throw error;
  } finally {
    release();
  }
}

function trainingOptions(args: Arguments): Partial<TrainEagleOptions> {
  const number = (name: string) => numberFlag(args, name);
  return {
    steps: number("steps"),
    loss: stringFlag(args, "loss") as TrainEagleOptions["loss"],
    draftVocabulary: number("draft-vocabulary"),
    trainHead: args.flags["train-head"] as boolean | undefined,
    learningRate: number("learning-rate"),
    optimiser: stringFlag(args, "optimiser") as TrainEagleOptions["optimiser"],
    epochs: number("epochs"),
    maxSteps: number("max-steps"),
    maxTokens: number("max-tokens"),
    batchSize: number("batch-size"),
    seed: number("seed"),
    weights: stringFlag(args, "weights") as TrainEagleOptions["weights"],
    layout: stringFlag(args, "layout") as TrainEagleOptions["layout"],
    checkpointMinutes: number("checkpoint-minutes"),
  };
}
