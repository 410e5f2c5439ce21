/** A part of a message's content, as OpenAI's API has it: `{ type: "text", text }`, or another type that the template knows. */
export interface ContentPart {
  type: string;
  text?: string;
  [field: string]: unknown;
}

/** A call that the assistant made. Templates expect `arguments` as an object; some take JSON text as well. */
export interface ToolCall {
  id?: string;
  type?: string;
  function: { name: string; arguments: unknown; [field: string]: unknown };
  [field: string]: unknown;
}

/**
 * A turn of a conversation. Further fields reach the template as they are (`tool_call_id`, `name`,
 * `reasoning_content`); those that are null or undefined are left out, as transformers does.
 */
export interface ChatMessage {
  role: string;
  /** Content parts reach the template as a list: one that was written for texts prints them as Python would. */
  content?: string | readonly ContentPart[] | null;
  tool_calls?: readonly ToolCall[] | null;
  [field: string]: unknown;
}

/** What a chat template is given beside the messages; `generate` and `stream` take all but `addGenerationPrompt`. */
export interface ChatTemplateOptions {
  /** End with what the assistant's answer begins with. Default: true, false with continueFinalMessage. */
  addGenerationPrompt?: boolean;
  /** Leave the last message open, so that the model goes on with it; or the name of the field to go on with. Default false. */
  continueFinalMessage?: boolean | string;
  /** Functions that the model may call, as JSON schemas: `{ type: "function", function: { name, description, parameters } }`. Default none. */
  tools?: readonly object[] | null;
  /** Texts to answer from: `{ title, text }`, for templates that know them. Default none. */
  documents?: readonly object[] | null;
  /**
   * One of the tokenizer's templates by name, or the text of a template. Default: tool_use for tools, else the one named
   * default, else the only one.
   */
  chatTemplate?: string;
  /** Further variables of the template, e.g. `{ enable_thinking: false }`. Default none. */
  templateVariables?: Readonly<Record<string, unknown>>;
}
