import { join } from "node:path";
import type { LanguageModel, TrainingExamples } from "../../index.js";
import { dataFiles } from "../../training/data/data-files.js";
import type { LoopOptions, LoopProgress } from "../../training/loop/loop-options.js";
import { prepareOutput } from "../../training/loop/output-folder.js";
import { CURVES_PAGE } from "../../training/loop/training-log.js";
import { escaped } from "../../types/shown.js";
import { type Arguments, numberFlag, stringFlag } from "../command.js";
import { interruptSignal } from "../interrupt.js";
import { loadBase, neededFlag, openData } from "./flags.js";
import { TrainingProgress } from "./training-progress.js";

/** Tokens that the target reads at once unless --sequence-length says otherwise. */
export const SEQUENCE = 256;

/** Options that every training has, and `onProgress`. */
export type CommonOptions<Measure> = LoopOptions & {
  sequenceLength: number;
  onProgress: (event: { stage: "reading"; tokens: number } | LoopProgress<Measure>) => void;
};

export interface TrainingCommand<Measure, Result> {
  /** Such as "train medusa". */
  name: string;
  /** What --out is for. */
  made: string;
  /** The file that a finished training leaves in it. */
  result: string;
  train(base: LanguageModel, examples: TrainingExamples, options: CommonOptions<Measure>): Promise<Result>;
  /** Tokens of an example beyond --sequence-length, such as one that is a label only. Default 0. */
  labelsBeyond?: number;
  /** A validation on one line. */
  describe(measure: Measure): string;
  /** What is printed at the end. */
  report(result: Result): string;
}

/** Runs a training from its flags: what is wrong with data and output is said first, Ctrl-C saves. */
export async function runTraining<Measure, Result>(
  args: Arguments,
  command: TrainingCommand<Measure, Result>,
): Promise<void> {
  const data = neededFlag(args, command.name, "data", "a file or folder of text");
  const output = neededFlag(args, command.name, "out", `a new folder for the ${command.made}`);
  // Before the model is loaded.
  await dataFiles(data);
  const resume = args.flags.resume === true;
  const beyond = command.labelsBeyond ?? 0;
  await prepareOutput(output, command.result, resume);
  const { signal, release } = interruptSignal();
  const progress = new TrainingProgress<Measure>(args.flags.json === true, command.describe);
  try {
    const base = await loadBase(args, signal);
    const sequenceLength = numberFlag(args, "sequence-length") ?? Math.min(SEQUENCE, base.contextLength - beyond);
    const examples = await openData(args, data, base.tokenizer, sequenceLength + beyond);
    const result = await command.train(base, examples, {
      ...{ output, resume, signal, sequenceLength },
      epochs: numberFlag(args, "epochs"),
      maxSteps: numberFlag(args, "max-steps"),
      maxTokens: numberFlag(args, "max-tokens"),
      warmupSteps: numberFlag(args, "warmup-steps"),
      decay: stringFlag(args, "decay") as LoopOptions["decay"],
      weightDecay: numberFlag(args, "weight-decay"),
      maxGradientNorm: numberFlag(args, "max-gradient-norm"),
      validateEvery: numberFlag(args, "validate-every"),
      evaluations: numberFlag(args, "evaluations"),
      seed: numberFlag(args, "seed"),
      checkpointMinutes: numberFlag(args, "checkpoint-minutes"),
      tensorboard: args.flags.tensorboard as boolean | undefined,
      onProgress: (event) => progress.show(event),
    });
    progress.end();
    process.stdout.write(args.flags.json ? `${JSON.stringify(result)}\n` : command.report(result));
    if (!args.flags.json) process.stderr.write(`Curves: ${escaped(join(output, CURVES_PAGE))}\n`);
  } catch (error) {
    progress.end();
    if (signal.aborted) process.stderr.write(`foretoken: stopped; the same command with --resume goes on\n`);
    throw error;
  } finally {
    release();
  }
}
