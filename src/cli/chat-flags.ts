import { existsSync } from "node:fs";
import { CONVERSATION_OPTIONS } from "../api/generate-options.js";
import { type GenerateOptions, UsageError } from "../index.js";
import { oneLine, shown } from "../types/shown.js";
import { type Arguments, type Flags, stringFlag } from "./command.js";
import { optionFlags } from "./option-flags.js";
import { readText, sourceName } from "./speculation.js";

/** What the chat template is given beside the messages. */
export const TEMPLATE_FLAGS = optionFlags(CONVERSATION_OPTIONS, {
  tools: { value: "FILE", help: "functions that the model may call: a JSON list of OpenAI tools" },
  templateVariables: {
    flag: "template-var",
    multiple: true,
    value: "NAME=VALUE",
    help: "a variable of the chat template, JSON or text, e.g. enable_thinking=false",
  },
  chatTemplate: { value: "NAME", help: "one of the model's chat templates by name, or a file" },
});
export const CHAT_FLAGS: Flags = TEMPLATE_FLAGS.flags;

/** The options of `generate` that these flags ask for. */
export async function chatOptions(
  args: Arguments,
): Promise<Pick<GenerateOptions, "tools" | "templateVariables" | "chatTemplate">> {
  const [tools, template] = [stringFlag(args, "tools"), stringFlag(args, "chat-template")];
  const variables = args.flags["template-var"] as string[] | undefined;
  return {
    ...(tools !== undefined && { tools: await toolList(tools) }),
    ...(template !== undefined && { chatTemplate: existsSync(template) ? await readText(template) : template }),
    ...(variables && { templateVariables: Object.fromEntries(variables.map(variable)) }),
  };
}

/** @throws UsageError for a flag of the chat template where there is no conversation */
export function refuseChatFlags({ flags }: Arguments): void {
  const given = Object.keys(CHAT_FLAGS).find((name) => flags[name] !== undefined);
  if (given) throw new UsageError(`--${given} is for the chat template: add --chat`);
}

async function toolList(path: string): Promise<object[]> {
  let value: unknown;
  try {
    value = JSON.parse(await readText(path));
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new UsageError(`${sourceName(path)} is no JSON: ${oneLine(error.message, 160)}`);
    throw error;
  }
  if (Array.isArray(value)) return value;
  throw new UsageError(
    `${sourceName(path)} must hold a JSON list of tools, such as [{"type": "function", "function": {...}}]`,
  );
}

function variable(text: string): [string, unknown] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new UsageError(`--template-var must be NAME=VALUE, got ${shown(text)}`);
  try {
    return [name, JSON.parse(value)];
  } catch {
    return [name, value];
  }
}
