import { isObject } from "../../files/json.js";
import type { ChatMessage } from "../../tokenizer/chat-message.js";
import { shown } from "../../types/shown.js";
import { BadLine } from "./bad-lines.js";

/** What a line of JSON holds. `complete` is false where the answer was cut off: then it does not end where the text does. */
export type TrainingRecord =
  | { kind: "text"; text: string }
  | { kind: "completion"; prompt: string; completion: string; complete: boolean }
  | { kind: "chat"; messages: ChatMessage[]; complete: boolean };

const EXPECTED = 'expected "messages", "conversations", "prompt" and "completion", or "text"';

/** Who speaks in ShareGPT's `from`, as `role`. */
const ROLES: Readonly<Record<string, string>> = {
  human: "user",
  user: "user",
  gpt: "assistant",
  chatgpt: "assistant",
  assistant: "assistant",
  system: "system",
  tool: "tool",
  observation: "tool",
};

/** @throws BadLine */
export function recordOf(line: string): TrainingRecord {
  const value = parsed(line);
  const complete = value.finish_reason !== "length";
  if (value.messages !== undefined) return { kind: "chat", messages: turns(value.messages), complete };
  if (value.conversations !== undefined) return { kind: "chat", messages: shared(value.conversations), complete };
  const { prompt, completion, text } = value;
  if (typeof prompt === "string" && typeof completion === "string") {
    if (completion === "") throw new BadLine('has an empty "completion"');
    return { kind: "completion", prompt, completion, complete };
  }
  if (typeof text !== "string") throw new BadLine(`has ${keysOf(value)}, ${EXPECTED}`);
  if (text === "") throw new BadLine('has an empty "text"');
  return { kind: "text", text };
}

/** The object on a line. @throws BadLine */
export function parsed(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new BadLine("is not valid JSON: each line must be an object");
  }
  if (isObject(value)) return value;
  throw new BadLine(`is ${shown(value)}, expected an object`);
}

/** Messages as OpenAI's API has them. @throws BadLine */
export function turns(value: unknown): ChatMessage[] {
  return list(value, "messages").map((turn, i) => {
    const { role, content } = isObject(turn) ? turn : {};
    const said = typeof content === "string" || Array.isArray(content) || (isObject(turn) && turn.tool_calls != null);
    if (typeof role === "string" && said) return turn as ChatMessage;
    throw new BadLine(`has ${shown(turn)} as message ${i + 1}, expected { "role", "content" }`);
  });
}

/** Messages as ShareGPT has them. @throws BadLine */
export function shared(value: unknown): ChatMessage[] {
  return list(value, "conversations").map((turn, i) => {
    const { from, value: content } = isObject(turn) ? turn : {};
    const role = typeof from === "string" && Object.hasOwn(ROLES, from) ? ROLES[from] : undefined;
    if (role !== undefined && typeof content === "string") return { role, content };
    throw new BadLine(`has ${shown(turn)} as turn ${i + 1}, expected { "from": "human" or "gpt", "value" }`);
  });
}

function list(value: unknown, name: string): unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  throw new BadLine(`has ${shown(value)} as "${name}", expected a list of turns`);
}

function keysOf(value: Record<string, unknown>): string {
  const keys = Object.keys(value).slice(0, 4).map(shown);
  return keys.length === 0 ? "no fields" : keys.join(", ");
}
