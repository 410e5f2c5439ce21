import { expect } from "vitest";
import { CheckpointError } from "../../src/index.js";

/** Far more than any of these takes, far less than any took that had no bound. */
const SECONDS = 10;

/** What was thrown: the product's own error, one line without control characters, not long, in time. */
export async function refusal(work: () => Promise<unknown>): Promise<string> {
  const begin = performance.now();
  const error = await work().then(
    () => expect.fail("it was accepted"),
    (reason) => reason,
  );
  expect(performance.now() - begin).toBeLessThan(SECONDS * 1000);
  expect(error).toBeInstanceOf(CheckpointError);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  expect(error.message).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028-\u202e]/);
  expect(error.message.length).toBeLessThan(500);
  return error.message;
}
