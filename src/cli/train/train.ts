import type { CommandGroup } from "../command-group.js";
import { trainDraftCommand } from "./draft.js";
import { trainMedusaCommand } from "./medusa.js";

export const trainCommands: CommandGroup = {
  name: "train",
  summary: "Trains drafters on text, best on the target's own answers.",
  commands: [trainMedusaCommand, trainDraftCommand],
};
