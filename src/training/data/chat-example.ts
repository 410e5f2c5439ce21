import type { ChatMessage } from "../../tokenizer/chat-message.js";
import type { Tokenizer } from "../../tokenizer/tokenizer.js";
import { UsageError } from "../../types/errors.js";
import type { TokenId } from "../../types/token.js";
import type { TrainingExample } from "../training-example.js";
import { BadLine } from "./bad-lines.js";
import { markedTokens } from "./marked-tokens.js";

/**
 * A conversation as the model's chat template writes it, with a mask over what the assistant says: what the template marks by
 * {% generation %}, or else from where its answer would begin to the special token that ends it. For that, beginnings of the conversation
 * are rendered too and compared token by token, so that the mask is exact for any template.
 * @param complete whether the last answer ended by itself: else its end is no label
 * @throws BadLine where the template refuses, or writes a beginning otherwise than in the whole
 */
export function chatExample(tokenizer: Tokenizer, messages: readonly ChatMessage[], complete = true): TrainingExample {
  if (!tokenizer.hasChatTemplate) throw new BadLine("is a conversation, and the model has no chat template");
  const render = (count: number, addGenerationPrompt: boolean) => {
    try {
      return tokenizer.applyChatTemplate(messages.slice(0, count), { addGenerationPrompt });
    } catch (error) {
      if (error instanceof UsageError) throw new BadLine(`cannot be rendered: ${error.message}`);
      throw error;
    }
  };
  const tokens = render(messages.length, false);
  const lossMask = new Array<boolean>(tokens.length).fill(false);
  const marked = tokenizer.renderMarkedChat(messages);
  const answers = marked && markedTokens(tokenizer, marked, tokens);
  if (answers) {
    for (const [i, [begin, end]] of answers.entries()) {
      const cut = i === answers.length - 1 && !complete;
      const special = cut ? answerEnd(tokenizer, tokens, begin, end) : undefined;
      lossMask.fill(true, begin, special === undefined ? end : special - 1);
    }
    if (!lossMask.includes(true)) throw new BadLine("has no answer of the assistant that the chat template marks");
    return { tokens, lossMask };
  }
  messages.forEach(({ role }, i) => {
    if (role !== "assistant") return;
    if (i === 0) throw new BadLine("begins with the assistant: a user's turn must come first");
    const last = i === messages.length - 1;
    const begin = beginningOf(tokens, render(i, true), `before message ${i + 1}`);
    const end = last ? tokens.length : beginningOf(tokens, render(i + 1, false), `up to message ${i + 1}`);
    const special = answerEnd(tokenizer, tokens, begin, end);
    lossMask.fill(true, begin, last && !complete && special !== undefined ? special - 1 : (special ?? end));
  });
  if (!lossMask.includes(true)) throw new BadLine("has no answer of the assistant");
  return { tokens, lossMask };
}

/** Tokens of a beginning. @throws BadLine where the whole does not begin so */
function beginningOf(tokens: readonly TokenId[], beginning: readonly TokenId[], which: string): number {
  if (beginning.every((token, i) => token === tokens[i])) return beginning.length;
  throw new BadLine(`cannot be masked: the chat template writes the part ${which} otherwise once more follows`);
}

/** The place behind the special token that ends an answer, where only white space follows it: no model writes that. */
function answerEnd(tokenizer: Tokenizer, tokens: readonly TokenId[], begin: number, end: number): number | undefined {
  for (let at = end - 1; at >= begin; at--) {
    if (!tokenizer.specialTokenIds.has(tokens[at])) continue;
    return tokenizer.decode(tokens.slice(at + 1, end)).trim() === "" ? at + 1 : undefined;
  }
  return undefined;
}
