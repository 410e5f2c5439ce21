import { ForetokenError, TokenizerError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";
import { warn } from "../../types/warn.js";

/** Why a line cannot be used; the message completes "FILE, line N". */
export class BadLine extends Error {}

/** Reasons that are kept for the report. */
const KEPT = 3;

/** What of the data was left out, and why. */
export interface LeftOut {
  /** Lines that were read, empty ones not counted. */
  lines: number;
  bad: number;
  /** The first three. */
  reasons: string[];
}

/** Counts lines that cannot be used; with `strict` the first one is an error. */
export class BadLines {
  readonly leftOut: LeftOut = { lines: 0, bad: 0, reasons: [] };

  constructor(private readonly strict: boolean) {}

  /** @throws ForetokenError when strict; what is no fault of the line as it is */
  add(error: unknown, file: string, line: number): void {
    if (!(error instanceof BadLine || error instanceof TokenizerError)) throw error;
    const why = error instanceof BadLine ? error.message : `cannot be tokenised: ${error.message}`;
    const reason = `${escaped(file)}, line ${line} ${why}`;
    if (this.strict) throw new ForetokenError(`${reason} (strict: no line may be left out)`);
    this.leftOut.bad++;
    if (this.leftOut.reasons.length < KEPT) this.leftOut.reasons.push(reason);
  }
}

/** Says once what was left out. */
export function reportLeftOut(data: string, { lines, bad, reasons }: LeftOut): void {
  if (bad > 0) warn(`${bad} of ${lines} lines of ${escaped(data)} were left out: ${reasons.join("; ")}`);
}
