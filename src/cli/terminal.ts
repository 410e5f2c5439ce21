import { type Options, Presets, SingleBar } from "cli-progress";
import pc from "picocolors";
import { ForetokenError } from "../types/errors.js";

/** Colours on a terminal or with FORCE_COLOR=1; none with NO_COLOR or --no-color. */
export function colours(stream: NodeJS.WriteStream, disabled: boolean): ReturnType<typeof pc.createColors> {
  const refused = disabled || Boolean(process.env.NO_COLOR);
  return pc.createColors(!refused && (stream.isTTY === true || process.env.FORCE_COLOR === "1"));
}

/** A bar on standard error that is gone when it ends. */
export function progressBar(format: string, options: Options = {}): SingleBar {
  const common = { format, stream: process.stderr, clearOnComplete: true, hideCursor: true };
  return new SingleBar({ ...common, ...options }, Presets.shades_classic);
}

/** Rows of text in columns of equal width; the first row is the heading. Numbers stand right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const isNumber = (text: string) => /^[-\d]/.test(text);
  const lines = rows.map((row, r) =>
    row
      .map((cell, c) =>
        c > 0 && (r > 0 ? isNumber(cell) : isNumber(rows[1]?.[c] ?? ""))
          ? cell.padStart(widths[c])
          : cell.padEnd(widths[c]),
      )
      .join("  ")
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => "-".repeat(width)).join("  "));
  return `${lines.join("\n")}\n`;
}

/** 1234567 bytes as "1.2 MB". */
export function byteSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Silence on standard input is explained after this time, for whoever did not mean to be asked. */
const PATIENCE_MS = 3000;

/** All of standard input as text. */
export async function readStdin(): Promise<string> {
  const parts: Buffer[] = [];
  const note = setTimeout(() => process.stderr.write("foretoken: reading standard input to its end\n"), PATIENCE_MS);
  try {
    for await (const part of process.stdin) {
      clearTimeout(note);
      parts.push(part as Buffer);
    }
  } catch (error) {
    throw new ForetokenError(`standard input cannot be read (${(error as NodeJS.ErrnoException).code})`);
  } finally {
    clearTimeout(note);
  }
  return Buffer.concat(parts).toString("utf8");
}
