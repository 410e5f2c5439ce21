import { expect, test } from "vitest";
import { trainDraftCommand } from "../../src/cli/train/draft.js";
import { trainEagleCommand } from "../../src/cli/train/eagle.js";
import { trainMedusaCommand } from "../../src/cli/train/medusa.js";
import { trainMedusa2Command } from "../../src/cli/train/medusa2.js";
import { DISTILL_DRAFT_OPTIONS } from "../../src/training/distill/options.js";
import { TRAIN_EAGLE_OPTIONS } from "../../src/training/eagle/options.js";
import { TRAIN_MEDUSA_OPTIONS } from "../../src/training/medusa/options.js";
import { TRAIN_MEDUSA2_OPTIONS } from "../../src/training/medusa2/options.js";

/** Options that a program gives, not a command line. */
const OF_PROGRAMS = ["signal", "onProgress"];
const SHORTER: Record<string, string> = { numHeads: "heads", numKvHeads: "kv-heads" };
const flagOf = (option: string) => SHORTER[option] ?? option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

test.each([
  ["medusa", TRAIN_MEDUSA_OPTIONS, trainMedusaCommand],
  ["medusa2", TRAIN_MEDUSA2_OPTIONS, trainMedusa2Command],
  ["eagle", TRAIN_EAGLE_OPTIONS, trainEagleCommand],
  ["draft", DISTILL_DRAFT_OPTIONS, trainDraftCommand],
])("every option of train %s has a flag", (_, options, { flags }) => {
  const without = Object.keys(options).filter((option) => !OF_PROGRAMS.includes(option) && !(flagOf(option) in flags));
  expect(without).toEqual([]);
});
