import { randomUUID } from "node:crypto";
import type { GenerationMarks } from "./jinja/segments.js";

/** A conversation as text, and what of it the assistant wrote by the template's {% generation %} marks. */
export interface MarkedChat {
  text: string;
  /** First character, and the one behind the last. */
  answers: [start: number, end: number][];
}

/** Whether a template says what the assistant writes. */
export function hasMarks(template: string): boolean {
  return /\{%[-+]?\s*generation\s*[-+]?%\}/.test(template);
}

/** Marks that no conversation can hold, as it was written before. */
export function newMarks(): GenerationMarks {
  const unique = randomUUID();
  return { begin: `<begin ${unique}>`, end: `<end ${unique}>` };
}

/** Takes the marks out of a rendered text; undefined where they do not stand in turn, as after a break. */
export function withoutMarks(rendered: string, { begin, end }: GenerationMarks): MarkedChat | undefined {
  const [before, ...marked] = rendered.split(begin);
  if (before.includes(end)) return undefined;
  const chat: MarkedChat = { text: before, answers: [] };
  for (const part of marked) {
    const [answer, after, ...more] = part.split(end);
    if (after === undefined || more.length > 0) return undefined;
    chat.answers.push([chat.text.length, chat.text.length + answer.length]);
    chat.text += answer + after;
  }
  return chat;
}
