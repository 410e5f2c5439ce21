import { appendFileSync } from "node:fs";
import { expect, test } from "vitest";
import { crc32c } from "../../../src/formats/tensorboard/crc32c.js";
import { EventFile } from "../../../src/training/loop/event-file.js";
import { readEvents } from "../../support/event-files.js";
import { temporaryFolder } from "../../support/models.js";

test("the checksum is CRC-32C", () => {
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe306_9283);
  // RFC 3720, B.4: 32 bytes of zeros.
  expect(crc32c(new Uint8Array(32))).toBe(0x8a91_36aa);
});

test("a log's numbers are scalars at their steps", () => {
  const folder = temporaryFolder();
  const file = new EventFile(folder, 300);
  file.note({ stage: "training", step: 301, steps: 400, loss: 2.5, losses: [1, 1.5], learningRate: 0.001 }, 1e9);
  appendFileSync(file.path, file.take());
  file.note(
    { stage: "validation", step: 301, accuracies: [[0.5, 0.25], [0.125]], tokensPerPass: 1.5, time: "now" },
    1e9 + 1,
  );
  appendFileSync(file.path, file.take());
  const [version, begin, training, validation, ...more] = readEvents(folder);
  expect(version).toMatchObject({ version: "brain.Event:2", step: 0 });
  expect(begin).toMatchObject({ status: 1, step: 301, scalars: {} });
  expect(training).toMatchObject({ seconds: 1e9, step: 301 });
  expect(training.scalars).toEqual({
    "training/loss": 2.5,
    "training/losses_1": 1,
    "training/losses_2": 1.5,
    "training/learning_rate": Math.fround(0.001),
  });
  expect(validation.scalars).toEqual({
    "validation/accuracies_1": 0.5,
    "validation/accuracies_2": 0.125,
    "validation/tokens_per_pass": 1.5,
  });
  expect(validation.seconds).toBe(1e9 + 1);
  expect(more).toEqual([]);
});
