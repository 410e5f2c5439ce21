import { createInterface } from "node:readline/promises";
import { type ChatMessage, type GenerateOptions, UsageError } from "../index.js";
import { CHAT_FLAGS, chatOptions } from "./chat-flags.js";
import type { Arguments, Command } from "./command.js";
import { stringFlag } from "./command.js";
import { generateOptions, MODEL_FLAGS, SAMPLING_FLAGS, withModels } from "./flags.js";
import { interruptSignal } from "./interrupt.js";
import { loadModels, type Models } from "./models.js";
import { SPECULATION_FLAGS, saveResources } from "./speculation.js";
import { colours } from "./terminal.js";

export const chatCommand: Command = {
  name: "chat",
  summary: "Talks with an instruction-tuned model, turn by turn, through its chat template.",
  usage: "--model DIR [options]",
  words: 0,
  flags: {
    ...MODEL_FLAGS,
    system: { type: "string", value: "TEXT", help: "system message" },
    ...CHAT_FLAGS,
    ...SPECULATION_FLAGS,
    ...SAMPLING_FLAGS,
    "no-color": { type: "boolean", help: "no colours" },
  },
  examples: [
    ["foretoken chat -m ./SmolLM2-135M-Instruct", "talk; an empty line, /exit or Ctrl-D ends, Ctrl-C ends an answer"],
    ["echo 'Name three colours.' | foretoken chat -m ./SmolLM2-135M-Instruct", "one question from a pipe"],
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const asked = await generateOptions(args);
  const template = await chatOptions(args);
  const models = await loadModels(args);
  if (!models.target.tokenizer?.hasChatTemplate && template.chatTemplate === undefined) {
    throw new UsageError(
      "this model has no chat template: use foretoken generate, or name an instruction-tuned --model",
    );
  }
  const options = withModels(asked, args, models);
  const colour = colours(process.stdout, args.flags["no-color"] === true);
  const system = stringFlag(args, "system");
  const messages: ChatMessage[] = system === undefined ? [] : [{ role: "system", content: system }];
  const lines = createInterface({ input: process.stdin, output: process.stdin.isTTY ? process.stdout : undefined });
  lines.setPrompt(colour.bold("> "));
  // On a terminal readline takes Ctrl-C: it ends the answer, or the conversation when none is under way.
  lines.on("SIGINT", () => {
    if (!process.emit("SIGINT")) lines.close();
  });
  if (process.stdin.isTTY) lines.prompt();
  for await (const line of lines) {
    if (["", "/exit", "/quit"].includes(line.trim())) break;
    messages.push({ role: "user", content: line });
    messages.push({ role: "assistant", content: await answer(models, messages, { ...options, ...template }) });
    process.exitCode = 0;
    if (process.stdin.isTTY) lines.prompt();
  }
  lines.close();
  saveResources(args, models.resources);
}

/** Streams the answer to the conversation so far; Ctrl-C ends it early. */
async function answer({ target }: Models, messages: ChatMessage[], options: GenerateOptions): Promise<string> {
  const { signal, release } = interruptSignal();
  let text = "";
  try {
    for await (const event of target.stream(messages, { ...options, signal })) {
      text += event.text;
      process.stdout.write(event.text);
    }
    process.stdout.write("\n");
    return text;
  } finally {
    release();
  }
}
