import type { MedusaHeads } from "../engine/medusa-heads.js";
import { methods } from "../methods/methods.js";
import { SAMPLING_OPTIONS, type SamplingOptions } from "../sampling/sampling-options.js";
import type { ChatTemplateOptions } from "../tokenizer/chat-message.js";
import { CHAT_OPTIONS } from "../tokenizer/chat-options.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { OPTION_ALIASES } from "../types/option-aliases.js";
import { type DeclarationsOf, optional } from "../types/option-declaration.js";
import { value } from "../types/option-kinds.js";
import type { OptionNames } from "../types/option-table.js";
import { shown } from "../types/shown.js";
import { A_LOADED_MODEL, isLoadedModel, type LoadedModel } from "./engine-of.js";
import { OUTPUT_OPTIONS, type OutputOptions } from "./output-options.js";
import { REQUEST_OPTIONS, type SpeculationOptions } from "./speculation-options.js";

/** What drafts for a target: another loaded model. */
export interface AssistantModel extends LoadedModel {
  readonly tokenizer: Tokenizer | undefined;
  /** Medusa heads of it: then it drafts trees with them. */
  readonly heads?: MedusaHeads;
}

/** What the chat template is given beside a conversation. */
export type ConversationOptions = Omit<ChatTemplateOptions, "addGenerationPrompt">;

/**
 * Options of `generate` and `stream`: sampling parameters, limits, how to speculate, and for conversations the template's.
 * null means "not given".
 */
export interface GenerateOptions extends SamplingOptions, OutputOptions, ConversationOptions {
  /** The draft model. Default none. */
  assistantModel?: AssistantModel;
  /** How to speculate, e.g. { method: "ngram", maxNgram: 4 }. Default: method "auto". */
  speculation?: SpeculationOptions;
}

/** Options for one output of each prompt: `generate` gives a result for a prompt, and no list. */
export type SingleOptions = GenerateOptions & { numReturnSequences?: undefined };

const { addGenerationPrompt: _, ...conversation } = CHAT_OPTIONS;

/** What the chat template is given; the prompt always ends for an answer. */
export const CONVERSATION_OPTIONS = conversation satisfies DeclarationsOf<ConversationOptions>;

/** Every option of `generate` and `stream`. That ids are in the vocabulary is checked with the model at hand. */
export const GENERATE_OPTIONS = {
  assistantModel: optional(value<AssistantModel>(A_LOADED_MODEL, isLoadedModel), "the draft model"),
  speculation: optional(
    value<SpeculationOptions>(
      'an object such as { method: "ngram" }',
      (given) => typeof given === "object" && !Array.isArray(given),
      (given) => (typeof given === "string" ? `{ method: ${shown(given)} } names a method` : undefined),
    ),
    "how to speculate",
    'method "auto"',
  ),
  ...OUTPUT_OPTIONS,
  ...SAMPLING_OPTIONS,
  ...CONVERSATION_OPTIONS,
} satisfies DeclarationsOf<GenerateOptions>;

/** How other names are understood. */
export const GENERATE_NAMES: OptionNames = {
  aliases: OPTION_ALIASES,
  elsewhere: (name) => {
    const speculates =
      Object.hasOwn(REQUEST_OPTIONS, name) || methods.all.some(({ options }) => options.includes(name));
    if (speculates) return `it belongs into speculation: { ${name}: ... }`;
    return ["dtype", "cacheDtype", "contextLength"].includes(name) ? "it is an option of fromPretrained" : undefined;
  },
};
