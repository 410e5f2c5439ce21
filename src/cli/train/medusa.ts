import { type MedusaAccuracy, type MedusaTraining, type TrainMedusaOptions, trainMedusa } from "../../index.js";
import type { MedusaLayout } from "../../training/medusa/layouts.js";
import { type Arguments, type Command, numberFlag, stringFlag } from "../command.js";
import { OUTPUT_FLAGS } from "../flags.js";
import { table } from "../terminal.js";
import { BASE_FLAGS, DATA_FLAGS, headsFile, LAYOUT_FLAG, RUN_FLAGS } from "./flags.js";
import { runTraining, SEQUENCE } from "./run-training.js";

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
    "draft-vocabulary": {
      type: "string",
      value: "N",
      help: "most frequent tokens that the heads can name (default: all)",
    },
    "learning-rate": { type: "string", value: "X", help: "highest learning rate (default 0.001; muon: 0.01)" },
    optimiser: { type: "string", value: "NAME", help: "adamw (default) or muon" },
    "head-decay": { type: "string", value: "X", help: "head i counts X^i (default 0.8)" },
    "batch-size": { type: "string", value: "N", help: "tokens of a step (default 1024)" },
    "micro-batch-size": { type: "string", value: "N", help: "tokens that are computed at once (default 512)" },
    "sequence-length": { type: "string", value: "N", help: `tokens of a piece of text (default ${SEQUENCE})` },
    weights: { type: "string", value: "TYPE", help: "F16 (default), BF16 or F32: how the heads are written" },
    layout: LAYOUT_FLAG,
    ...RUN_FLAGS,
    ...OUTPUT_FLAGS,
  },
  examples: [
    ["foretoken train medusa --data stories.txt --out heads", "four heads for the embedded target"],
    ["foretoken train medusa --data stories.txt --out heads --resume", "goes on after Ctrl-C, to the same bits"],
    [
      "foretoken train medusa -m ./SmolLM2-135M-Instruct --data answers.jsonl -o heads --shared-head --draft-vocabulary 8192",
      "heads for a model of yours that share its output product, of which they need a part",
    ],
    ["foretoken generate --heads heads 'Once upon a time'", "what they are for"],
  ],
  run,
};

function run(args: Arguments): Promise<void> {
  const number = (name: string) => numberFlag(args, name);
  const layout = stringFlag(args, "layout") as MedusaLayout | undefined;
  return runTraining<MedusaAccuracy, MedusaTraining>(args, {
    name: "train medusa",
    made: "heads",
    result: headsFile(layout),
    train: (base, examples, common) =>
      trainMedusa(base, examples, {
        ...common,
        heads: number("heads"),
        layers: number("layers"),
        sharedHead: args.flags["shared-head"] as boolean | undefined,
        draftVocabulary: number("draft-vocabulary"),
        learningRate: number("learning-rate"),
        optimiser: stringFlag(args, "optimiser") as TrainMedusaOptions["optimiser"],
        headDecay: number("head-decay"),
        batchSize: number("batch-size"),
        microBatchSize: number("micro-batch-size"),
        weights: stringFlag(args, "weights") as TrainMedusaOptions["weights"],
        layout,
      }),
    describe,
    report: accuracyTable,
  });
}

function describe({ losses, accuracies, tokensPerPass }: MedusaAccuracy): string {
  const list = (values: number[]) => values.map((value) => value.toFixed(3)).join(" ");
  const first = accuracies.map(([top]) => top);
  return `loss ${list(losses)} | top-1 ${list(first)} | ${tokensPerPass.toFixed(2)} tokens per pass`;
}

/** The heads before and after training. */
function accuracyTable({ directory, before, after }: MedusaTraining): string {
  const rows = after.accuracies.map((ranks, head) => [
    String(head + 1),
    after.losses[head].toFixed(3),
    before.accuracies[head][0].toFixed(3),
    ranks[0].toFixed(3),
    ranks
      .slice(0, 5)
      .reduce((sum, rate) => sum + rate, 0)
      .toFixed(3),
  ]);
  const gain = `${before.tokensPerPass.toFixed(2)} before, ${after.tokensPerPass.toFixed(2)} after`;
  return `${table([["head", "loss", "top-1 before", "top-1", "top-5"], ...rows])}\nExpected tokens per pass, best tree of 8 nodes: ${gain}.\nWritten to ${directory}\n`;
}
