import { exactnessWords } from "../exactness.js";
import { table } from "../terminal.js";
import type { Outcome } from "./compare.js";

const HEADING = ["model", "method", "same tokens", "tokens per pass", "plain tokens/s", "with it", "speed-up"];

/** Prints what was gained; the exit code is 1 where tokens differ that must not. */
export function report(rows: readonly Outcome[], json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ rows })}\n`);
    return;
  }
  const cells = rows.map((row) => [
    row.model,
    row.method,
    row.sameTokens ? "yes" : "NO",
    row.tokensPerPass.toFixed(2),
    row.plainTokensPerSecond.toFixed(0),
    row.speculativeTokensPerSecond.toFixed(0),
    `${row.speedUp.toFixed(2)}x`,
  ]);
  process.stdout.write(`\n${table([HEADING, ...cells])}`);
  process.stdout.write(
    "\nThe small model decodes a token in a millisecond or less: what drafts has little to save, looking up costs nothing.\n" +
      "Padded, the same target is widened and deepened with idle weights to the cost of a 133 M model: same text but for\n" +
      "rounding, real cost.\n",
  );
  const exact = (row: Outcome) => row.exactness.level === "bit-exact";
  for (const model of new Set(rows.filter((row) => !exact(row)).map((row) => row.model))) {
    const { exactness } = rows.find((row) => row.model === model)!;
    process.stdout.write(`\nExactness of ${model}: ${exactnessWords(exactness)}.\n`);
  }
  if (rows.some((row) => exact(row) && !row.sameTokens)) process.exitCode = 1;
}
