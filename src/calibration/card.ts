import { basename, resolve } from "node:path";
import type { Calibration } from "./calibrate.js";

/** The README.md of a calibrated checkpoint. */
export function calibrationCard(
  { tokens, rounded, kept, error }: Omit<Calibration, "seconds">,
  model: string,
  ownText: boolean,
): string {
  const name = basename(resolve(model));
  const text = ownText ? "that the model wrote itself, at temperature 1" : "of given text";
  return [
    `# ${name}, rounded to 4 bits`,
    "",
    `${name} with the products of its layers in blocks of 32 weights of 4 bits, each with a scale and a minimum (16-bit floats), written out as`,
    "32-bit floats. Loaded with dtype q4, Foretoken keeps exactly these values; all other weights are the model's own.",
    "",
    `- Rounded with error compensation on ${tokens} tokens ${text}: ${rounded} products; ${kept} had this form already.`,
    `- On that text the last layer's rows differ from the model's by ${(100 * error).toFixed(1)}% of their size; on other text by more.`,
    "",
  ].join("\n");
}
