import { type EagleAccuracy, type EagleTraining, type TrainEagleOptions, trainEagle } from "../../index.js";
import { HEADS_FILE } from "../../training/eagle/write-heads.js";
import { type Arguments, type Command, numberFlag, stringFlag } from "../command.js";
import { OUTPUT_FLAGS } from "../flags.js";
import { table } from "../terminal.js";
import { BASE_FLAGS, DATA_FLAGS, layersFlag, RUN_FLAGS } from "./flags.js";
import { runTraining, SEQUENCE } from "./run-training.js";

export const trainEagleCommand: Command = {
  name: "train eagle",
  summary: "Trains an EAGLE-3 layer on a frozen target.",
  usage: "--data PATH --out DIR [options]",
  words: 0,
  flags: {
    ...DATA_FLAGS,
    ...BASE_FLAGS,
    steps: { type: "string", value: "N", help: "tokens drafted after each row while training, 1 to 8 (default 4)" },
    "step-decay": { type: "string", value: "X", help: "step s of these counts X^s (default 0.8)" },
    loss: { type: "string", value: "NAME", help: "kl (default), or lk: -log of the chance to be accepted" },
    "draft-vocabulary": {
      type: "string",
      value: "N",
      help: "most frequent tokens that the layer can name (default: all, at most 8192)",
    },
    "target-layers": {
      type: "string",
      value: "I,J,K",
      help: "the target's streams that it reads, each after so many layers (default: 2, half, and all but 3)",
    },
    "train-head": { type: "boolean", help: "train the output product instead of keeping the target's" },
    "learning-rate": { type: "string", value: "X", help: "highest learning rate (default 0.001; muon: 0.01)" },
    optimiser: { type: "string", value: "NAME", help: "adamw (default) or muon" },
    "batch-size": { type: "string", value: "N", help: "tokens of a step (default: 4 sequences)" },
    "micro-batch-size": { type: "string", value: "N", help: "tokens that are computed at once (default: 2 sequences)" },
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

function run(args: Arguments): Promise<void> {
  const number = (name: string) => numberFlag(args, name);
  return runTraining<EagleAccuracy, EagleTraining>(args, {
    name: "train eagle",
    made: "heads",
    result: HEADS_FILE,
    // A text of so many tokens and one makes a whole sequence of rows.
    labelsBeyond: 1,
    train: (base, examples, common) =>
      trainEagle(base, examples, {
        ...common,
        steps: number("steps"),
        stepDecay: number("step-decay"),
        targetLayers: layersFlag(args, "target-layers"),
        loss: stringFlag(args, "loss") as TrainEagleOptions["loss"],
        draftVocabulary: number("draft-vocabulary"),
        trainHead: args.flags["train-head"] as boolean | undefined,
        learningRate: number("learning-rate"),
        optimiser: stringFlag(args, "optimiser") as TrainEagleOptions["optimiser"],
        batchSize: number("batch-size"),
        microBatchSize: number("micro-batch-size"),
        weights: stringFlag(args, "weights") as TrainEagleOptions["weights"],
        layout: stringFlag(args, "layout") as TrainEagleOptions["layout"],
      }),
    describe,
    report: stepTable,
  });
}

function describe({ losses, accuracies, tokensPerPass }: EagleAccuracy): string {
  const list = (values: readonly number[]) => values.map((value) => value.toFixed(3)).join(" ");
  const first = accuracies.map(([top]) => top);
  return `loss ${list(losses)} | top-1 ${list(first)} | ${tokensPerPass.toFixed(2)} tokens per pass`;
}

/** A layer before and after training. */
function stepTable({ directory, before, after }: EagleTraining): string {
  const rows = after.accuracies.map(([first], step) => [
    String(step + 1),
    after.losses[step].toFixed(3),
    before.accuracies[step][0].toFixed(3),
    first.toFixed(3),
    after.overlaps[step].toFixed(3),
  ]);
  const gain = (name: "chainTokensPerPass" | "tokensPerPass") =>
    `${before[name].toFixed(2)} before, ${after[name].toFixed(2)} after`;
  return [
    table([["step", "loss", "top-1 before", "top-1", "1 - total variation"], ...rows]),
    `Expected tokens per pass, greedy chain of ${rows.length}: ${gain("chainTokensPerPass")}.`,
    `Best tree of 8 nodes: ${gain("tokensPerPass")}.`,
    `Written to ${directory}`,
    "",
  ].join("\n");
}
