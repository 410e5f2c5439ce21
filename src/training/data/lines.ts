import { createReadStream } from "node:fs";
import { ForetokenError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";

/** A line that is longer is no line of text; so much is kept in memory at most. */
const LONGEST_LINE = 64 << 20;

/** A line with its number, from 1. */
export interface Line {
  text: string;
  number: number;
}

/** The lines of a file, read as a stream: without their ends, a byte order mark left out. @throws ForetokenError */
export async function* linesOf(path: string): AsyncIterable<Line> {
  let number = 0;
  let rest = "";
  try {
    for await (const chunk of createReadStream(path, { encoding: "utf8" })) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) yield { text: clean(line, number++), number };
      if (rest.length > LONGEST_LINE) {
        throw new ForetokenError(`${escaped(path)}, line ${number + 1} is longer than ${LONGEST_LINE} characters`);
      }
    }
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new ForetokenError(`${escaped(path)} cannot be read (${code}): check the file and its permissions`);
  }
  if (rest !== "") yield { text: clean(rest, number++), number };
}

function clean(line: string, before: number): string {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  return before === 0 && text.startsWith("\ufeff") ? text.slice(1) : text;
}
