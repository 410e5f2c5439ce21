import { type GenerationEvent, type GenerationStats, type TokenEvent, traceFile, UsageError } from "../index.js";
import { CHAT_FLAGS, chatOptions, refuseChatFlags } from "./chat-flags.js";
import type { Arguments, Command } from "./command.js";
import { stringFlag } from "./command.js";
import { exactnessWords } from "./exactness.js";
import { generateOptions, LOGPROBS_FLAG, MODEL_FLAGS, OUTPUT_FLAGS, SAMPLING_FLAGS, withModels } from "./flags.js";
import { interruptSignal } from "./interrupt.js";
import { loadModels } from "./models.js";
import { promptOf } from "./prompt.js";
import { SPECULATION_FLAGS, saveResources } from "./speculation.js";
import { colours } from "./terminal.js";

export const generateCommand: Command = {
  name: "generate",
  summary:
    "Continues a prompt, speculatively where that helps; with the text of plain decoding as far as doctor finds this CPU exact.",
  usage: "[PROMPT | -] [options]",
  words: 1,
  flags: {
    ...MODEL_FLAGS,
    ...SPECULATION_FLAGS,
    ...SAMPLING_FLAGS,
    prompt: { type: "string", short: "p", value: "TEXT", help: "the prompt, for scripts; the same as PROMPT" },
    chat: { type: "boolean", help: "put the prompt through the model's chat template" },
    ...CHAT_FLAGS,
    trace: { type: "string", value: "FILE", help: "write every speculative step to FILE as JSON lines" },
    explain: { type: "boolean", help: "say which method was used and what it brought" },
    ...LOGPROBS_FLAG,
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
    ["foretoken generate 'Name: Tom\\nAge:' --stop '\\n' --stop-token 13", "until the line ends, or a token comes"],
    ["foretoken generate 'The sun' --json --logprobs 3 -n 8", "with the three likeliest tokens at each place"],
    ["foretoken generate -m ./SmolLM2-135M-Instruct --generation-config model -p 'One day'", "its own sampling"],
    ["jq .schema form.json | foretoken generate 'The animal is' --json-schema -", "a schema from a pipe"],
    ["cat prompt.txt | foretoken generate --json > answer.json", "in a pipe; its last line's end is left out"],
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const { flags } = args;
  const asked = await generateOptions(args); // a bad flag is told before models are loaded
  if (asked.logProbs !== undefined && !flags.json) throw new UsageError("--logprobs are part of --json: give both");
  if (!flags.chat) refuseChatFlags(args);
  const chat = await chatOptions(args);
  const prompt = await promptOf(args);
  const { signal, release } = interruptSignal();
  const tracePath = stringFlag(args, "trace");
  const trace = tracePath === undefined ? undefined : traceFile(tracePath);
  try {
    const models = await loadModels(args, signal);
    const options = withModels(asked, args, models);
    const input = flags.chat ? [{ role: "user", content: prompt.text }] : prompt.text;
    const events = models.target.stream(input, { ...options, ...chat, signal, trace: trace?.sink });
    await print(events, args, prompt.isDefault ? prompt.text : undefined);
    saveResources(args, models.resources);
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
  const logProbs: number[] = [];
  const topLogProbs: NonNullable<TokenEvent["topLogProbs"]>[] = [];
  for await (const event of events) {
    text += event.text;
    if (event.type === "token") {
      tokenIds.push(event.tokenId);
      if (event.logProb !== undefined) logProbs.push(event.logProb);
      if (event.topLogProbs) topLogProbs.push(event.topLogProbs);
    }
    if (!flags.json) {
      const drafted = event.type === "token" && event.source !== "target";
      process.stdout.write(drafted ? colour.green(event.text) : event.text);
    }
    if (event.type !== "finish") continue;
    const { finishReason, seed, stats } = event;
    const asked = { ...(flags.logprobs !== undefined && { logProbs, ...(topLogProbs.length > 0 && { topLogProbs }) }) };
    if (flags.json)
      process.stdout.write(`${JSON.stringify({ text, tokenIds, finishReason, seed, ...asked, stats })}\n`);
    else process.stdout.write("\n");
    if (flags.explain) process.stderr.write(explain(stats, seed));
  }
}

function explain(stats: GenerationStats, seed: number | undefined): string {
  const seeded = seed === undefined ? "" : `; seed ${seed}`;
  const rate = `${stats.tokensPerSecond.toFixed(0)} tokens/s${seeded}`;
  if (stats.method === "none") return `plain decoding: ${stats.newTokens} tokens in as many passes, ${rate}\n`;
  const share = (ms: number) => `${((100 * ms) / (stats.totalMs - stats.prefillMs)).toFixed(0)}%`;
  const lossy = stats.lossless ? "" : " (typical acceptance: NOT lossless)";
  const byPosition = stats.acceptanceByPosition.map((a) => a.toFixed(2)).join(" ");
  const { draftExhausted: end } = stats;
  const stopped = end
    ? `drafting stopped at ${end.at} tokens: the draft's context of ${end.contextLength} was full\n`
    : "";
  const guarded = stats.guardedSteps
    ? `in ${stats.guardedSteps} steps fewer tokens were proposed, or none: more were expected to be slower than plain decoding\n`
    : "";
  return (
    `method ${stats.method}${lossy}: ${stats.newTokens} tokens in ${stats.targetPasses} target passes, ` +
    `${stats.meanTokensPerPass.toFixed(2)} a pass; ${stats.acceptedTokens} of ${stats.draftedTokens} drafted tokens accepted` +
    `${byPosition && ` (by position: ${byPosition})`}; ` +
    `time: target ${share(stats.targetMs)}, draft ${share(stats.draftMs)}, rest ${share(stats.overheadMs)}; ` +
    `${rate}\n${guarded}${stopped}exactness: ${exactnessWords(stats.exactness)}\n`
  );
}
