import { type JointMeasure, type Medusa2Training, type TrainMedusa2Options, trainMedusa2 } from "../../index.js";
import type { MedusaLayout } from "../../training/medusa/layouts.js";
import { driftWords } from "../../training/medusa2/drift.js";
import { type Arguments, type Command, numberFlag, stringFlag } from "../command.js";
import { OUTPUT_FLAGS } from "../flags.js";
import { table } from "../terminal.js";
import { BASE_FLAGS, DATA_FLAGS, headsFile, LAYOUT_FLAG, RUN_FLAGS } from "./flags.js";
import { runTraining, SEQUENCE } from "./run-training.js";

export const trainMedusa2Command: Command = {
  name: "train medusa2",
  summary: "Trains a base and Medusa heads together.",
  usage: "--data PATH --out DIR [options]",
  words: 0,
  flags: {
    ...DATA_FLAGS,
    ...BASE_FLAGS,
    "heads-from": { type: "string", value: "DIR", help: "trained heads that these begin as (default: none)" },
    heads: { type: "string", value: "N", help: "heads (default 4)" },
    layers: { type: "string", value: "N", help: "ResBlocks of each head (default 1)" },
    "shared-head": { type: "boolean", help: "share the base's output product" },
    "base-loss": {
      type: "string",
      value: "NAME",
      help: "teacher (default): stay what the base was; text: learn the data",
    },
    rank: {
      type: "string",
      value: "N",
      help: "rank of the base's adapters (default 32; 0: all of the base is trained)",
    },
    alpha: { type: "string", value: "X", help: "adapters count X / rank (default 16)" },
    "head-weight": {
      type: "string",
      value: "C",
      help: "what the heads count beside the base (default 0.2 with --heads-from, else 0.01)",
    },
    "head-decay": { type: "string", value: "X", help: "head i counts X^i (default 0.8)" },
    ramp: {
      type: "string",
      value: "NAME",
      help: "none (default with --heads-from), or sine (else): the heads' weight rises through the training",
    },
    "max-drift": { type: "string", value: "X", help: "stop where the base's perplexity rises by more (default 0.01)" },
    "learning-rate": { type: "string", value: "X", help: "the base's highest learning rate (default 0.0001)" },
    "head-rate": { type: "string", value: "X", help: "the heads learn so many times as fast (default 4)" },
    "batch-size": { type: "string", value: "N", help: "sequences of a step (default 8)" },
    "micro-batch-size": { type: "string", value: "N", help: "sequences that are computed at once (default 4)" },
    "sequence-length": { type: "string", value: "N", help: `tokens of a sequence (default ${SEQUENCE})` },
    weights: { type: "string", value: "TYPE", help: "BF16 (default), F16 or F32: how base and heads are written" },
    layout: LAYOUT_FLAG,
    ...RUN_FLAGS,
    ...OUTPUT_FLAGS,
  },
  examples: [
    [
      "foretoken train medusa2 --data answers.jsonl --out joint --heads-from heads",
      "in two stages, after train medusa",
    ],
    ["foretoken train medusa2 --data answers.jsonl --out joint", "at once, on the base's own answers"],
    ["foretoken generate --model joint/base --heads joint 'Once upon a time'", "what they are for"],
  ],
  run,
};

function run(args: Arguments): Promise<void> {
  const number = (name: string) => numberFlag(args, name);
  const layout = stringFlag(args, "layout") as MedusaLayout | undefined;
  return runTraining<JointMeasure, Medusa2Training>(args, {
    name: "train medusa2",
    made: "base and heads",
    result: headsFile(layout),
    train: (base, examples, common) =>
      trainMedusa2(base, examples, {
        ...common,
        headsFrom: stringFlag(args, "heads-from"),
        heads: number("heads"),
        layers: number("layers"),
        sharedHead: args.flags["shared-head"] as boolean | undefined,
        baseLoss: stringFlag(args, "base-loss") as TrainMedusa2Options["baseLoss"],
        rank: number("rank"),
        alpha: number("alpha"),
        headWeight: number("head-weight"),
        headDecay: number("head-decay"),
        ramp: stringFlag(args, "ramp") as TrainMedusa2Options["ramp"],
        maxDrift: number("max-drift"),
        learningRate: number("learning-rate"),
        headRate: number("head-rate"),
        batchSize: number("batch-size"),
        microBatchSize: number("micro-batch-size"),
        weights: stringFlag(args, "weights") as TrainMedusa2Options["weights"],
        layout,
      }),
    describe,
    report,
  });
}

function describe({ losses, accuracies, tokensPerPass, perplexity }: JointMeasure): string {
  const list = (values: number[]) => values.map((value) => value.toFixed(3)).join(" ");
  const first = accuracies.map(([top]) => top);
  return `perplexity ${perplexity.toFixed(3)} | loss ${list(losses)} | top-1 ${list(first)} | ${tokensPerPass.toFixed(2)} tokens per pass`;
}

function report({ directory, steps, before, after, drift }: Medusa2Training): string {
  const rows = after.accuracies.map(([first], head) => [
    String(head + 1),
    after.losses[head].toFixed(3),
    before.accuracies[head][0].toFixed(3),
    first.toFixed(3),
  ]);
  const gain = `${before.tokensPerPass.toFixed(2)} before, ${after.tokensPerPass.toFixed(2)} after`;
  return [
    table([["head", "loss", "top-1 before", "top-1"], ...rows]),
    `Expected tokens per pass, best tree of 8 nodes: ${gain}.`,
    `Perplexity of the base: ${before.perplexity.toFixed(3)} before, ${after.perplexity.toFixed(3)} after.`,
    ...(drift ? [`${driftWords(drift, steps)}.`] : []),
    `Written to ${directory}, the base to ${directory}/base`,
    "",
  ].join("\n");
}
