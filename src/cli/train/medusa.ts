import { type TrainMedusaOptions, trainMedusa } from "../../index.js";
import { dataFiles } from "../../training/data/data-files.js";
import { prepareOutput } from "../../training/loop/output-folder.js";
import { HEADS_FILE } from "../../training/medusa/write-heads.js";
import { type Arguments, type Command, numberFlag, stringFlag } from "../command.js";
import { OUTPUT_FLAGS } from "../flags.js";
import { interruptSignal } from "../interrupt.js";
import { BASE_FLAGS, DATA_FLAGS, loadBase, neededFlag, openData, RUN_FLAGS } from "./flags.js";
import { accuracyTable, TrainingProgress } from "./training-progress.js";

/** Tokens that the base reads at once unless --sequence-length says otherwise. */
const SEQUENCE = 256;

export const trainMedusaCommand: Command = {
  name: "train medusa",
  summary: "Trains Medusa heads on a frozen target.",
  usage: "--data PATH --out DIR [options]",
  words: 0,
  flags: {
    ...DATA_FLAGS,
    ...BASE_FLAGS,
    heads: { type: "string", value: "N", help: "heads (default 4)" },
    layers: { type: "string", value: "N", help: "ResBlocks of each head (default 1; 0: an output product alone)" },
    "shared-head": { type: "boolean", help: "share the target's output product instead of training copies" },
    "learning-rate": { type: "string", value: "X", help: "highest learning rate (default 0.001; muon: 0.01)" },
    optimiser: { type: "string", value: "NAME", help: "adamw (default) or muon" },
    "batch-size": { type: "string", value: "N", help: "tokens of a step (default 1024)" },
    "sequence-length": { type: "string", value: "N", help: `tokens of a piece of text (default ${SEQUENCE})` },
    weights: { type: "string", value: "TYPE", help: "F16 (default), BF16 or F32: how the heads are written" },
    ...RUN_FLAGS,
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
  const data = neededFlag(args, "train medusa", "data", "a file or folder of text");
  const output = neededFlag(args, "train medusa", "out", "a new folder for the heads");
  // Before the model is loaded.
  await dataFiles(data);
  const resume = args.flags.resume === true;
  await prepareOutput(output, HEADS_FILE, resume);
  const { signal, release } = interruptSignal();
  const progress = new TrainingProgress(args.flags.json === true);
  try {
    const base = await loadBase(args, signal);
    const length = numberFlag(args, "sequence-length") ?? Math.min(SEQUENCE, base.contextLength);
    const options: TrainMedusaOptions = {
      ...trainingOptions(args),
      ...{ output, resume, signal, sequenceLength: length },
      onProgress: (event) => progress.show(event),
    };
    const result = await trainMedusa(base, await openData(args, data, base.tokenizer, length), options);
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
