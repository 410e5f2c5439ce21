import type { LanguageModel } from "../../api/language-model.js";
import type { PromptInput } from "../../api/prompt-input.js";
import type { ChatMessage } from "../../tokenizer/chat-message.js";
import type { Tokenizer } from "../../tokenizer/tokenizer.js";
import { UsageError } from "../../types/errors.js";
import type { DistillPrompt } from "./prompts.js";

/** Last tokens of a prefix that may be dropped: a character that is cut off has as many at most. */
const CUT_OFF = 4;

/** A prompt as the model reads it, and the fields of the line that its answer completes. */
export interface DistillInput {
  input: PromptInput;
  line(answer: string): object;
}

/**
 * Texts are turns of a user for models with a chat template, else they are continued.
 * @returns undefined where there is nothing to continue
 * @throws UsageError for a conversation without a chat template
 */
export function distillInput(
  { tokenizer }: LanguageModel & { tokenizer: Tokenizer },
  prompt: DistillPrompt,
  prefixTokens: number | undefined,
): DistillInput | undefined {
  if (prefixTokens !== undefined) {
    const text = prefixOf(tokenizer, typeof prompt === "string" ? prompt : textOf(prompt), prefixTokens);
    return text === "" ? undefined : continued(text);
  }
  if (typeof prompt === "string" && !tokenizer.hasChatTemplate) return continued(prompt);
  if (!tokenizer.hasChatTemplate)
    throw new UsageError("the prompts are conversations, and the model has no chat template: give texts");
  const messages: readonly ChatMessage[] = typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt;
  return {
    input: messages,
    line: (answer) => ({ messages: [...messages, { role: "assistant", content: answer }] }),
  };
}

const continued = (prompt: string): DistillInput => ({
  input: prompt,
  line: (completion) => ({ prompt, completion }),
});

/** The text of a text's first tokens, fewer where a character would be cut: read again it gives these tokens. */
function prefixOf(tokenizer: Tokenizer, text: string, count: number): string {
  const ids = tokenizer.encode(text, { addSpecialTokens: false }).filter((id) => !tokenizer.specialTokenIds.has(id));
  for (let length = Math.min(count, ids.length); length > 0 && length > count - CUT_OFF; length--) {
    const prefix = tokenizer.decode(ids.slice(0, length));
    if (!prefix.endsWith("\ufffd")) return prefix;
  }
  return "";
}

function textOf(messages: readonly ChatMessage[]): string {
  const { content } = messages[messages.length - 1];
  return typeof content === "string" ? content : "";
}
