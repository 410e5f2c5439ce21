import { type Calibration, calibrate, TrainingData } from "../index.js";
import { dataFiles } from "../training/data/data-files.js";
import { assertWithout } from "../training/loop/output-folder.js";
import { WEIGHTS_FILE } from "../training/write-decoder.js";
import { CalibrateBars } from "./calibrate-progress.js";
import { type Arguments, type Command, numberFlag, stringFlag } from "./command.js";
import { OUTPUT_FLAGS } from "./flags.js";
import { interruptSignal } from "./interrupt.js";
import { BASE_FLAGS, DATA_FLAGS, loadBase, neededFlag } from "./train/flags.js";

/** Longest text of --data, tokens: it is cut into sequences. */
const LONGEST = 4096;

export const calibrateCommand: Command = {
  name: "calibrate",
  summary: "Rounds a model to 4 bits so that its outputs change least.",
  usage: "-m DIR --out DIR [options]",
  words: 0,
  flags: {
    model: { ...BASE_FLAGS.model, help: "the model's checkpoint directory (default: the embedded target)" },
    data: {
      ...DATA_FLAGS.data,
      help: `${DATA_FLAGS.data.help} (default: what the model itself writes)`,
    },
    strict: DATA_FLAGS.strict,
    tokens: { type: "string", value: "N", help: "most tokens that are read (default 16384)" },
    "sequence-length": { type: "string", value: "N", help: "tokens of a sequence (default 256)" },
    seed: { type: "string", short: "s", value: "S", help: "decides what the model writes (default 0)" },
    out: { type: "string", short: "o", value: "DIR", help: "new folder for the checkpoint" },
    dtype: { ...BASE_FLAGS.dtype, help: "how the model is held while it writes (fp32, q8, q4; default q8)" },
    threads: BASE_FLAGS.threads,
    ...OUTPUT_FLAGS,
  },
  examples: [
    ["foretoken calibrate --out target-4bit", "the embedded target, on text that it writes itself"],
    ["foretoken generate -m target-4bit 'Once upon a time'", "what it is for"],
    [
      "foretoken calibrate -m ./SmolLM2-135M-Instruct --data chats.jsonl --tokens 32768 --out smollm2-4bit",
      "a model of yours, on text of yours",
    ],
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const output = neededFlag(args, "calibrate", "out", "a new folder for the checkpoint");
  const data = stringFlag(args, "data");
  // Before the model is loaded.
  assertWithout(output, WEIGHTS_FILE);
  if (data !== undefined) await dataFiles(data);
  const { signal, release } = interruptSignal();
  const bars = new CalibrateBars(args.flags.json === true);
  try {
    const model = await loadBase(args, signal);
    const strict = args.flags.strict as boolean | undefined;
    const reading = { length: LONGEST, trainOn: "all", strict } as const;
    const result = await calibrate(model, {
      ...{ output, signal },
      examples: data === undefined ? undefined : await TrainingData.open(data, model.tokenizer, reading),
      tokens: numberFlag(args, "tokens"),
      sequenceLength: numberFlag(args, "sequence-length"),
      seed: numberFlag(args, "seed"),
      onProgress: (progress) => bars.show(progress),
    });
    bars.end();
    process.stdout.write(args.flags.json ? `${JSON.stringify(result)}\n` : report(result));
  } finally {
    bars.end();
    release();
  }
}

function report({ directory, rounded, kept, tokens, error, seconds }: Calibration): string {
  const had = kept > 0 ? `, ${kept} were of 4 bits already` : "";
  return [
    `${rounded} products rounded over ${tokens} tokens in ${seconds.toFixed(0)} s${had}.`,
    `On that text the last layer's rows differ from the model's by ${(100 * error).toFixed(1)}%, on other text by more.`,
    `Written to ${directory}: q4 holds it exactly, and is its default dtype.`,
    "",
  ].join("\n");
}
