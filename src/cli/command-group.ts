import { nearest, UsageError } from "../types/errors.js";
import { shown } from "../types/shown.js";
import type { Command } from "./command.js";

/** A word that several commands begin with, such as `train`. */
export interface CommandGroup {
  name: string;
  summary: string;
  /** Each is named with the group's word: "train medusa". */
  commands: readonly Command[];
}

/** The command that the word after the group's name chooses. @throws UsageError for none, or an unknown one */
export function commandOf(group: CommandGroup, word: string | undefined): Command {
  const names = group.commands.map((command) => lastWord(command));
  const found = group.commands.find((_, i) => names[i] === word);
  if (found) return found;
  const guess = word === undefined ? undefined : nearest(word, names);
  const got = word === undefined ? "nothing" : shown(word);
  throw new UsageError(
    `foretoken ${group.name} must be told what: ${names.join(", ")}, got ${got}.${guess ? ` Did you mean "${guess}"?` : ""} See: foretoken ${group.name} --help`,
  );
}

/** The commands of a group with their examples. */
export function groupHelp({ name, summary, commands }: CommandGroup): string {
  const width = Math.max(...commands.map((command) => lastWord(command).length)) + 2;
  const lines = [
    summary,
    "",
    `Usage: foretoken ${name} WHAT [options]`,
    "",
    "WHAT:",
    ...commands.map((command) => `  ${lastWord(command).padEnd(width)}${command.summary}`),
    "",
    "Examples:",
    ...commands.flatMap(({ examples: [[line, does]] }) => [`  # ${does}`, `  ${line}`]),
    "",
    `foretoken ${name} WHAT --help shows its options and more examples.`,
  ];
  return `${lines.join("\n")}\n`;
}

const lastWord = ({ name }: Command) => name.slice(name.lastIndexOf(" ") + 1);
