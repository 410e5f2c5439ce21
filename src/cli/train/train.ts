import type { CommandGroup } from "../command-group.js";
import { trainDraftCommand } from "./draft.js";
import { trainEagleCommand } from "./eagle.js";
import { trainMedusaCommand } from "./medusa.js";
import { selfDistillCommand } from "./self-distill.js";

export const trainCommands: CommandGroup = {
  name: "train",
  summary: "Trains drafters on text, best on the target's own answers.",
  commands: [selfDistillCommand, trainMedusaCommand, trainEagleCommand, trainDraftCommand],
};
