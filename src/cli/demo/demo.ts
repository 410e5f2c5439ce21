import { PAD_135M, padded } from "../../evaluation/padded-source.js";
import { AutoTokenizer, type Dtype, type GenerationEvent, type LanguageModel, loadModel } from "../../index.js";
import { openCheckpoint } from "../../models/checkpoint/checkpoint.js";
import type { Arguments, Command } from "../command.js";
import { stringFlag } from "../command.js";
import { MODEL_FLAGS, OUTPUT_FLAGS } from "../flags.js";
import { interruptSignal } from "../interrupt.js";
import { EMBEDDED_DRAFT, EMBEDDED_TARGET, load } from "../models.js";
import { colours } from "../terminal.js";
import { compare, DRAFTED, NEW_TOKENS } from "./compare.js";
import { report } from "./report.js";
import { waysOf } from "./ways.js";

const PROMPT = "Once upon a time there was a little girl named Lily. She";

export const demoCommand: Command = {
  name: "demo",
  summary: "Shows a text by plain and by speculative decoding, whether it is the same, and what each method gained.",
  usage: "[PROMPT] [options]",
  words: 1,
  flags: { dtype: MODEL_FLAGS.dtype, ...OUTPUT_FLAGS },
  examples: [
    ["foretoken demo", "the embedded models"],
    ['foretoken demo "The fox said," --dtype fp32', "another prompt, other weights"],
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const { signal, release } = interruptSignal();
  const prompt = args.words[0] ?? PROMPT;
  const dtype = stringFlag(args, "dtype") as Dtype | undefined;
  try {
    const target = await load(EMBEDDED_TARGET, { dtype, signal });
    const draft = await load(EMBEDDED_DRAFT, { dtype, signal });
    const show = args.flags.json ? undefined : showing(args);
    show?.note(`Plain decoding, one token a pass:\n`);
    await stream(target, undefined, prompt, signal, show);
    show?.note(`\nSpeculative decoding: ${show.mark("drafted")} tokens came from a draft model six times smaller:\n`);
    await stream(target, draft, prompt, signal, show);
    if (signal.aborted) return;
    const rows = await compare("embedded target, 5.8 M", target, await waysOf(target, draft), prompt, signal);
    const wide = await widened(dtype, signal);
    rows.push(...(await compare("the same, padded to 133 M", wide, await waysOf(wide, draft), prompt, signal)));
    if (!signal.aborted) report(rows, args.flags.json === true);
  } finally {
    release();
  }
}

/** The embedded target at the cost of a large model: zero channels and zero layers change the cost, not the text. */
async function widened(dtype: Dtype | undefined, signal: AbortSignal): Promise<LanguageModel> {
  const { source, config } = await openCheckpoint(EMBEDDED_TARGET);
  try {
    const wide = padded(source, config, PAD_135M);
    const tokenizer = await AutoTokenizer.fromPretrained(EMBEDDED_TARGET);
    return await loadModel(wide.source, wide.config, tokenizer, { dtype, signal });
  } finally {
    await source.close();
  }
}

type Show = {
  note(text: string): void;
  mark(text: string): string;
  event(event: GenerationEvent): void;
  prompt(text: string): void;
};

function showing(args: Arguments): Show {
  const colour = colours(process.stdout, args.flags["no-color"] === true);
  return {
    note: (text) => process.stdout.write(colour.bold(text)),
    mark: (text) => colour.green(text),
    prompt: (text) => process.stdout.write(colour.dim(text)),
    event: (event) => {
      const drafted = event.type === "token" && event.source !== "target";
      process.stdout.write(drafted ? colour.green(event.text) : event.text);
      if (event.type === "finish") process.stdout.write("\n");
    },
  };
}

async function stream(
  target: LanguageModel,
  draft: LanguageModel | undefined,
  prompt: string,
  signal: AbortSignal,
  show: Show | undefined,
): Promise<void> {
  if (!show) return;
  show.prompt(prompt);
  const speculation = { method: "draft", numSpeculativeTokens: DRAFTED };
  const options = {
    maxNewTokens: NEW_TOKENS,
    signal,
    assistantModel: draft,
    speculation: draft ? speculation : { method: "none" },
  };
  for await (const event of target.stream(prompt, options)) show.event(event);
}
