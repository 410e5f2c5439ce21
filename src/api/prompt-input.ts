import type { CausalLM } from "../engine/causal-lm.js";
import type { ChatMessage } from "../tokenizer/chat-message.js";
import { ContextOverflowError, UsageError } from "../types/errors.js";
import { everyItem } from "../types/option-kinds.js";
import { shown } from "../types/shown.js";
import type { TokenId } from "../types/token.js";
import { CONVERSATION_OPTIONS, type ConversationOptions, type GenerateOptions } from "./generate-options.js";

/** One prompt: text, token ids, or a conversation for the model's chat template. */
export type PromptInput = string | readonly TokenId[] | readonly ChatMessage[];

/** The prompts of a call, and whether it was given a list of them. */
export function promptsOf(inputs: PromptInput | readonly PromptInput[]): {
  several: boolean;
  prompts: readonly PromptInput[];
} {
  const several = Array.isArray(inputs) && (typeof inputs[0] === "string" || Array.isArray(inputs[0]));
  return { several, prompts: several ? (inputs as readonly PromptInput[]) : [inputs as PromptInput] };
}

/** @throws UsageError for what is no prompt */
export function assertPrompt(input: unknown): asserts input is PromptInput {
  if (typeof input === "string") return;
  if (Array.isArray(input) && (everyItem(input, (id) => typeof id === "number") || everyItem(input, isMessage))) return;
  throw new UsageError(
    `a prompt must be text, a list of token ids, or a list of messages { role, content }, got ${shown(input)}`,
  );
}

function isMessage(item: unknown): item is ChatMessage {
  return typeof item === "object" && item !== null && typeof (item as Partial<ChatMessage>).role === "string";
}

/** The options that the chat template is given. @throws UsageError when there are some and the prompt is no conversation */
export function conversationOptions(options: GenerateOptions, input: PromptInput): ConversationOptions {
  const names = Object.keys(CONVERSATION_OPTIONS) as (keyof ConversationOptions)[];
  const given = names.filter((name) => options[name] !== undefined);
  if (given.length > 0 && !isConversation(input)) {
    throw new UsageError(`${given[0]} is for conversations: give the prompt as a list of { role, content }`);
  }
  return Object.fromEntries(given.map((name) => [name, options[name]]));
}

function isConversation(input: PromptInput): boolean {
  return typeof input !== "string" && input.length > 0 && typeof input[0] === "object";
}

/** @throws UsageError for no tokens, or what is none; ContextOverflowError for more than leave room for another */
export function assertPromptIds(prompt: readonly TokenId[], { vocabLimit, contextLength, config }: CausalLM): void {
  if (prompt.length === 0) throw new UsageError("the prompt is empty: give at least one token");
  for (const id of prompt) {
    if (Number.isInteger(id) && id >= 0 && id < vocabLimit) continue;
    throw new UsageError(`token id ${id} of the prompt is outside the vocabulary of ${vocabLimit}`);
  }
  if (prompt.length < contextLength) return;
  throw new ContextOverflowError(
    `the prompt has ${prompt.length} tokens but the context is ${contextLength}: shorten it or raise contextLength (the model allows ${config.maxPositionEmbeddings})`,
  );
}
