import type { GenerationEvent, GenerationStats } from "../index.js";
import { traceFile } from "../index.js";
import { CHAT_FLAGS, chatOptions, refuseChatFlags } from "./chat-flags.js";
import type { Arguments, Command } from "./command.js";
import { stringFlag } from "./command.js";
import { generateOptions, MODEL_FLAGS, OUTPUT_FLAGS, SAMPLING_FLAGS } from "./flags.js";
import { interruptSignal } from "./interrupt.js";
import { loadModels } from "./models.js";
import { SPECULATION_FLAGS, saveResources } from "./speculation.js";
import { colours, readStdin } from "./terminal.js";

const DEFAULT_PROMPT = "Once upon a time there was a little girl named Lily. She";

export const generateCommand: Command = {
  name: "generate",
  summary: "Continues a prompt, speculatively where that helps; the text is that of plain decoding.",
  usage: "[PROMPT | -] [options]",
  words: 1,
  flags: {
    ...MODEL_FLAGS,
    ...SPECULATION_FLAGS,
    ...SAMPLING_FLAGS,
    chat: { type: "boolean", help: "put the prompt through the model's chat template" },
    ...CHAT_FLAGS,
    trace: { type: "string", value: "FILE", help: "write every speculative step to FILE as JSON lines" },
    explain: { type: "boolean", help: "say which method was used and what it brought" },
    ...OUTPUT_FLAGS,
  },
  examples: [
    ['foretoken generate "Once upon a time"', "the embedded pair, greedy"],
    ['foretoken generate "The fox said," -t 0.8 --seed 7 -k 6 --explain', "sampled, six drafted tokens a step"],
    ["foretoken generate -m ./SmolLM2-135M-Instruct --chat 'Why is the sky blue?' -n 100", "a checkpoint of yours"],
    ["foretoken generate 'One day' --method medusa --tree-nodes 16 --explain", "Medusa heads in place of a draft"],
    ["foretoken generate 'One day' --method merged --drafters draft,ngram,recycling", "several methods, one tree"],
    [
      "foretoken generate 'The animal is' --json-schema animal.json",
      "JSON of a schema, drafted and verified like text",
    ],
    ["foretoken generate 'The grey' --lookup-corpus tales.txt", "drafted from a text of yours: method suffix"],
    ["cat prompt.txt | foretoken generate - --json > answer.json", "in a pipe"],
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const { flags } = args;
  generateOptions(args); // a bad flag is told before models are loaded
  if (!flags.chat) refuseChatFlags(args);
  const chat = chatOptions(args);
  const prompt = args.words[0] === "-" ? await readStdin() : (args.words[0] ?? DEFAULT_PROMPT);
  const { signal, release } = interruptSignal();
  const tracePath = stringFlag(args, "trace");
  const trace = tracePath === undefined ? undefined : traceFile(tracePath);
  try {
    const { target, draft, resources } = await loadModels(args, signal);
    const options = generateOptions(args, resources);
    const input = flags.chat ? [{ role: "user", content: prompt }] : prompt;
    const events = target.stream(input, { ...options, ...chat, assistantModel: draft, signal, trace: trace?.sink });
    await print(events, args, args.words.length > 0 ? undefined : prompt);
    saveResources(args, resources);
  } finally {
    trace?.close();
    release();
  }
}

async function print(events: AsyncIterable<GenerationEvent>, { flags }: Arguments, shown?: string): Promise<void> {
  const colour = colours(process.stdout, flags["no-color"] === true);
  if (shown && !flags.json) process.stdout.write(colour.dim(shown));
  let text = "";
  const tokenIds: number[] = [];
  for await (const event of events) {
    text += event.text;
    if (event.type === "token") tokenIds.push(event.tokenId);
    if (!flags.json) {
      const drafted = event.type === "token" && event.source !== "target";
      process.stdout.write(drafted ? colour.green(event.text) : event.text);
    }
    if (event.type !== "finish") continue;
    const { finishReason, stats } = event;
    if (flags.json) process.stdout.write(`${JSON.stringify({ text, tokenIds, finishReason, stats })}\n`);
    else process.stdout.write("\n");
    if (flags.explain) process.stderr.write(explain(stats));
  }
}

function explain(stats: GenerationStats): string {
  if (stats.method === "none") {
    return `plain decoding: ${stats.newTokens} tokens in as many passes, ${stats.tokensPerSecond.toFixed(0)} tokens/s\n`;
  }
  const share = (ms: number) => `${((100 * ms) / (stats.totalMs - stats.prefillMs)).toFixed(0)}%`;
  const lossy = stats.lossless ? "" : " (typical acceptance: NOT lossless)";
  const byPosition = stats.acceptanceByPosition.map((a) => a.toFixed(2)).join(" ");
  return (
    `method ${stats.method}${lossy}: ${stats.newTokens} tokens in ${stats.targetPasses} target passes, ` +
    `${stats.meanTokensPerPass.toFixed(2)} a pass; ${stats.acceptedTokens} of ${stats.draftedTokens} drafted tokens accepted` +
    `${byPosition && ` (by position: ${byPosition})`}; ` +
    `time: target ${share(stats.targetMs)}, draft ${share(stats.draftMs)}, rest ${share(stats.overheadMs)}; ` +
    `${stats.tokensPerSecond.toFixed(0)} tokens/s\n`
  );
}
