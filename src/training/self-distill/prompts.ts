import { fileDigests } from "../../files/digest.js";
import type { ChatMessage } from "../../tokenizer/chat-message.js";
import { BadLine, BadLines, reportLeftOut } from "../data/bad-lines.js";
import { type DataFile, dataFiles } from "../data/data-files.js";
import { linesOf } from "../data/lines.js";
import { parsed, shared, turns } from "../data/records.js";

/** What the model is to answer: a conversation that ends with a user's turn, or a text. */
export type DistillPrompt = string | readonly ChatMessage[];

/** Prompts in their order; a fingerprint tells others from them. */
export type DistillPrompts = (Iterable<DistillPrompt> | AsyncIterable<DistillPrompt>) & {
  readonly fingerprint?: string;
};

/**
 * The prompts in files: of JSON lines `messages` or ShareGPT's `conversations` up to the user's last turn, `prompt`, or `text`; of
 * plain text each line that is not empty.
 */
export class PromptFiles implements AsyncIterable<DistillPrompt> {
  private constructor(
    private readonly path: string,
    private readonly files: readonly DataFile[],
    private readonly strict: boolean,
    readonly fingerprint: string,
  ) {}

  /** @throws UsageError for what is no file or folder of prompts */
  static async open(path: string, { strict = false } = {}): Promise<PromptFiles> {
    const files = await dataFiles(path);
    return new PromptFiles(path, files, strict, await fileDigests(files.map((file) => file.path)));
  }

  /** Lines that are not empty: as many prompts, but for those that cannot be used. */
  async count(): Promise<number> {
    let lines = 0;
    for (const { path } of this.files) for await (const { text } of linesOf(path)) if (text.trim() !== "") lines++;
    return lines;
  }

  /** @throws ForetokenError with `strict` for a line that is no prompt */
  async *[Symbol.asyncIterator](): AsyncGenerator<DistillPrompt> {
    const bad = new BadLines(this.strict);
    for (const { path, kind } of this.files) {
      for await (const { text, number } of linesOf(path)) {
        if (text.trim() === "") continue;
        bad.leftOut.lines++;
        let prompt: DistillPrompt | undefined;
        try {
          prompt = kind === "text" ? text : promptOf(text);
        } catch (error) {
          bad.add(error, path, number);
        }
        if (prompt !== undefined) yield prompt;
      }
    }
    reportLeftOut(this.path, bad.leftOut);
  }
}

/** @throws BadLine */
export function promptOf(line: string): DistillPrompt {
  const { messages, conversations, prompt, text } = parsed(line);
  if (messages !== undefined || conversations !== undefined) {
    const all = messages !== undefined ? turns(messages) : shared(conversations);
    const last = all.findLastIndex(({ role }) => role === "user");
    if (last < 0) throw new BadLine("has no user's turn to answer");
    return all.slice(0, last + 1);
  }
  const given = prompt ?? text;
  if (typeof given === "string" && given !== "") return given;
  throw new BadLine('has no prompt: expected "messages", "conversations", "prompt" or "text"');
}
