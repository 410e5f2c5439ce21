import { type DeclarationsOf, option, optional } from "../types/option-declaration.js";
import { boolean, everyItem, text, value } from "../types/option-kinds.js";
import type { ChatTemplateOptions } from "./chat-message.js";

const isObject = (given: unknown) => typeof given === "object" && given !== null && !Array.isArray(given);
const isObjects = (given: unknown) => Array.isArray(given) && everyItem(given, isObject);

const objects = (expected: string) => value<readonly object[]>(expected, isObjects);

/** What a chat template is given beside the messages. */
export const CHAT_OPTIONS = {
  addGenerationPrompt: optional(
    boolean(),
    "end with what the assistant's answer begins with",
    "true, false with continueFinalMessage",
  ),
  continueFinalMessage: option(
    value<boolean | string>("true, false or the name of a message's field", (given) =>
      ["boolean", "string"].includes(typeof given),
    ),
    "leave the last message open, so that the model goes on with it; or the name of the field to go on with",
    false,
  ),
  tools: optional(
    objects('a list of tools { type: "function", function: { name, ... } }'),
    "functions that the model may call, as OpenAI's API has them",
  ),
  documents: optional(objects("a list of documents { title, text }"), "texts to answer from"),
  chatTemplate: optional(
    text(),
    "one of the checkpoint's chat templates by name, or the text of one",
    "tool_use for tools, else the one named default, else the only one",
  ),
  templateVariables: optional(
    value<Readonly<Record<string, unknown>>>("an object such as { enable_thinking: false }", isObject),
    "further variables of the template",
  ),
} satisfies DeclarationsOf<ChatTemplateOptions>;
