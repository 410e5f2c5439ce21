import { boolean, everyItem, text, value } from "../types/option-kinds.js";
import type { OptionTable } from "../types/option-table.js";
import type { ChatTemplateOptions } from "./chat-message.js";

const isObject = (given: unknown) => typeof given === "object" && given !== null && !Array.isArray(given);
const isObjects = (given: unknown) => Array.isArray(given) && everyItem(given, isObject);

/** What each option of a chat template takes. */
export const CHAT_OPTIONS: OptionTable<ChatTemplateOptions> = {
  addGenerationPrompt: boolean(),
  continueFinalMessage: value("true, false or the name of a message's field", (given) =>
    ["boolean", "string"].includes(typeof given),
  ),
  tools: value('a list of tools { type: "function", function: { name, ... } }', isObjects),
  documents: value("a list of documents { title, text }", isObjects),
  chatTemplate: text(),
  templateVariables: value("an object such as { enable_thinking: false }", isObject),
};
