import { type DistillDraftOptions, type DraftAgreement, type DraftDistillation, distillDraft } from "../../index.js";
import { WEIGHTS_FILE } from "../../training/write-decoder.js";
import { type Arguments, type Command, numberFlag, stringFlag } from "../command.js";
import { OUTPUT_FLAGS } from "../flags.js";
import { table } from "../terminal.js";
import { BASE_FLAGS, DATA_FLAGS, layersFlag, RUN_FLAGS } from "./flags.js";
import { runTraining, SEQUENCE } from "./run-training.js";

export const trainDraftCommand: Command = {
  name: "train draft",
  summary: "Distils a draft model from a target.",
  usage: "--data PATH --out DIR [options]",
  words: 0,
  flags: {
    ...DATA_FLAGS,
    ...BASE_FLAGS,
    layers: { type: "string", value: "N", help: "layers of the draft (default 2)" },
    "keep-layers": {
      type: "string",
      value: "I,J,...",
      help: "the target's layers that it begins as, from 0 (default: first, last, and others evenly between)",
    },
    "from-scratch": { type: "boolean", help: "begin with random weights instead, of a width of its own" },
    "hidden-size": {
      type: "string",
      value: "N",
      help: "width of a draft from scratch (default: half of the target's)",
    },
    "intermediate-size": { type: "string", value: "N", help: "width of its MLP (default: 8/3 of --hidden-size)" },
    heads: { type: "string", value: "N", help: "its attention heads (default: of the target's dimension)" },
    "kv-heads": { type: "string", value: "N", help: "its key and value heads (default: --heads)" },
    "draft-vocabulary": {
      type: "string",
      value: "N",
      help: "its output product covers the data's N most frequent tokens (default: the target's vocabulary)",
    },
    loss: { type: "string", value: "NAME", help: "kl (default), reverse-kl, tv or lk" },
    "text-weight": { type: "string", value: "C", help: "adds C times the text's cross-entropy (default 0)" },
    "learning-rate": { type: "string", value: "X", help: "highest learning rate (default 0.001; muon: 0.01)" },
    optimiser: { type: "string", value: "NAME", help: "adamw (default) or muon" },
    "batch-size": { type: "string", value: "N", help: "sequences of a step (default 8)" },
    "micro-batch-size": { type: "string", value: "N", help: "sequences that are computed at once (default 4)" },
    "sequence-length": { type: "string", value: "N", help: `tokens of a sequence (default ${SEQUENCE})` },
    weights: { type: "string", value: "TYPE", help: "BF16 (default), F16 or F32: how the draft is written" },
    ...RUN_FLAGS,
    ...OUTPUT_FLAGS,
  },
  examples: [
    ["foretoken train draft --data stories.txt --out draft", "two of the embedded target's layers, trained to agree"],
    ["foretoken train draft --data stories.txt --out draft --resume", "goes on after Ctrl-C, to the same bits"],
    [
      "foretoken train draft -m ./SmolLM2-135M-Instruct --data answers.jsonl -o draft --keep-layers 0,29 --loss lk",
      "a draft for a model of yours",
    ],
    [
      "foretoken train draft -m ./SmolLM2-135M-Instruct --data answers.jsonl -o draft --draft-vocabulary 8192",
      "it can name the 8192 tokens that occur most, in passes that cost less",
    ],
    ["foretoken generate --draft-model draft 'Once upon a time'", "what it is for"],
  ],
  run,
};

function run(args: Arguments): Promise<void> {
  const number = (name: string) => numberFlag(args, name);
  return runTraining<DraftAgreement, DraftDistillation>(args, {
    name: "train draft",
    made: "draft",
    result: WEIGHTS_FILE,
    train: (base, examples, common) =>
      distillDraft(base, examples, {
        ...common,
        layers: number("layers"),
        keepLayers: layersFlag(args, "keep-layers"),
        fromScratch: args.flags["from-scratch"] as boolean | undefined,
        hiddenSize: number("hidden-size"),
        intermediateSize: number("intermediate-size"),
        numHeads: number("heads"),
        numKvHeads: number("kv-heads"),
        draftVocabulary: number("draft-vocabulary"),
        loss: stringFlag(args, "loss") as DistillDraftOptions["loss"],
        textWeight: number("text-weight"),
        learningRate: number("learning-rate"),
        optimiser: stringFlag(args, "optimiser") as DistillDraftOptions["optimiser"],
        batchSize: number("batch-size"),
        microBatchSize: number("micro-batch-size"),
        weights: stringFlag(args, "weights") as DistillDraftOptions["weights"],
      }),
    describe,
    report,
  });
}

function describe({ validationLoss, agreement, acceptance, tokensPerPass }: DraftAgreement): string {
  return `loss ${validationLoss.toFixed(3)} | agreement ${agreement.toFixed(3)} | acceptance ${acceptance.toFixed(3)} | ${tokensPerPass.toFixed(2)} tokens per pass`;
}

function report({ directory, before, after }: DraftDistillation): string {
  const row = (what: string, of: keyof DraftAgreement) => [what, before[of].toFixed(3), after[of].toFixed(3)];
  const rows = [
    ["", "before", "after"],
    row("loss", "validationLoss"),
    row("likeliest token is the target's", "agreement"),
    row("acceptance of a sampled token", "acceptance"),
    row("tokens per pass, 4 drafted, greedy", "tokensPerPass"),
    row("tokens per pass, 4 drafted, temperature 1", "sampledTokensPerPass"),
  ];
  return `${table(rows)}\nWritten to ${directory}\n`;
}
