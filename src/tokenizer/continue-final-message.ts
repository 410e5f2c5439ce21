import { UsageError } from "../types/errors.js";

type Message = Record<string, unknown>;

/** Marks where the final message ends, transformers' own text. */
const TAG = "CONTINUE_FINAL_MESSAGE_TAG ";

/** Names that reasoning is passed under; the first is the one that most templates read. */
export const REASONING_FIELDS = ["reasoning_content", "thinking", "reasoning"];

/**
 * Puts a mark behind the final message's `field` and returns how to cut a rendering there; after transformers'
 * render_jinja_template.
 * @throws UsageError when there is nothing to go on with
 */
export function markFinalMessage(messages: Message[], field: string, template: string): (rendered: string) => string {
  const final = messages[messages.length - 1];
  const value = final[field];
  if (value === undefined) {
    throw new UsageError(`continueFinalMessage: the last message has no ${JSON.stringify(field)} to go on with`);
  }
  const fields = REASONING_FIELDS.includes(field) ? REASONING_FIELDS.filter((name) => final[name] === value) : [field];
  if (!fields.some((name) => template.includes(name))) {
    throw new UsageError(`continueFinalMessage: the chat template does not read ${JSON.stringify(field)}`);
  }
  let text: string;
  if (Array.isArray(value)) {
    const at = value.findLastIndex((part) => typeof part?.text === "string");
    if (at < 0) throw new UsageError("continueFinalMessage: the last message has no text to go on with");
    text = value[at].text;
    final[field] = value.map((part, i) => (i === at ? { ...part, text: text + TAG } : part));
  } else if (typeof value === "string") {
    text = value;
    for (const name of fields) final[name] = text + TAG;
  } else {
    throw new UsageError(`continueFinalMessage: the last message's ${JSON.stringify(field)} is no text`);
  }
  return (rendered) => {
    const at = rendered.lastIndexOf(TAG.trim());
    if (at < 0 || !rendered.includes(text.trim())) {
      throw new UsageError("continueFinalMessage: the chat template leaves out or changes the end of the last message");
    }
    const kept = rendered.slice(0, at);
    // Where the template trims the message, the mark has lost its space and white space before it goes too.
    return rendered.startsWith(TAG, at) ? kept : kept.trimEnd();
  };
}
