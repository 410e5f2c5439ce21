import { PAD_135M, padded } from "../evaluation/padded-source.js";
import {
  AutoTokenizer,
  type Dtype,
  type Exactness,
  type GenerationEvent,
  type LanguageModel,
  loadModel,
} from "../index.js";
import { openCheckpoint } from "../models/checkpoint/checkpoint.js";
import type { Arguments, Command } from "./command.js";
import { stringFlag } from "./command.js";
import { exactnessWords } from "./exactness.js";
import { MODEL_FLAGS, OUTPUT_FLAGS } from "./flags.js";
import { interruptSignal } from "./interrupt.js";
import { EMBEDDED_DRAFT, EMBEDDED_TARGET, load } from "./models.js";
import { colours, table } from "./terminal.js";

const PROMPT = "Once upon a time there was a little girl named Lily. She";
const NEW_TOKENS = 96;
const DRAFTED = 4;
const ROUNDS = 3;

export const demoCommand: Command = {
  name: "demo",
  summary: "Shows a text by plain and by speculative decoding, whether it is the same, and what speculation gained.",
  usage: "[PROMPT] [options]",
  words: 1,
  flags: { dtype: MODEL_FLAGS.dtype, ...OUTPUT_FLAGS },
  examples: [
    ["foretoken demo", "the embedded pair"],
    ['foretoken demo "The fox said," --dtype fp32', "another prompt, other weights"],
  ],
  run,
};

interface Outcome {
  model: string;
  sameTokens: boolean;
  exactness: Exactness;
  tokensPerPass: number;
  plainTokensPerSecond: number;
  speculativeTokensPerSecond: number;
  speedUp: number;
}

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
    const rows = [await compare("embedded pair, 5.8 M parameters", target, draft, prompt, signal)];
    const wide = await widened(dtype, signal);
    rows.push(await compare("the same target padded to 133 M", wide, draft, prompt, signal));
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

/** Plain and speculative in turn, after a warm-up; medians of the rounds. */
async function compare(
  name: string,
  target: LanguageModel,
  draft: LanguageModel,
  prompt: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const options = { maxNewTokens: NEW_TOKENS, signal };
  const speculation = { method: "draft", numSpeculativeTokens: DRAFTED };
  const plainRates: number[] = [];
  const fastRates: number[] = [];
  let sameTokens = true;
  let tokensPerPass = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    const plain = await target.generate(prompt, { ...options, speculation: { method: "none" } });
    const fast = await target.generate(prompt, { ...options, assistantModel: draft, speculation });
    sameTokens &&= plain.tokenIds.join() === fast.tokenIds.join();
    tokensPerPass = fast.stats.meanTokensPerPass;
    if (round === 0) continue;
    plainRates.push(plain.stats.tokensPerSecond);
    fastRates.push(fast.stats.tokensPerSecond);
  }
  const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];
  const ratios = fastRates.map((rate, i) => rate / plainRates[i]);
  return {
    model: name,
    sameTokens,
    exactness: target.exactness,
    tokensPerPass,
    plainTokensPerSecond: median(plainRates),
    speculativeTokensPerSecond: median(fastRates),
    speedUp: median(ratios),
  };
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

function report(rows: Outcome[], json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ rows })}\n`);
    return;
  }
  const cells = rows.map((row) => [
    row.model,
    row.sameTokens ? "yes" : "NO",
    row.tokensPerPass.toFixed(2),
    row.plainTokensPerSecond.toFixed(0),
    row.speculativeTokensPerSecond.toFixed(0),
    `${row.speedUp.toFixed(2)}x`,
  ]);
  const heading = ["model", "same tokens", "tokens per pass", "plain tokens/s", "speculative tokens/s", "speed-up"];
  process.stdout.write(`\n${table([heading, ...cells])}`);
  process.stdout.write(
    "\nThe small model decodes in a third of a millisecond, where speculation has little to win. The second row is the same\n" +
      "target widened and deepened with idle weights to the cost of a 133 M model: same text but for rounding, real cost.\n",
  );
  const exact = (row: Outcome) => row.exactness.level === "bit-exact";
  for (const row of rows) {
    if (!exact(row)) process.stdout.write(`\nExactness of ${row.model}: ${exactnessWords(row.exactness)}.\n`);
  }
  if (rows.some((row) => exact(row) && !row.sameTokens)) process.exitCode = 1;
}
