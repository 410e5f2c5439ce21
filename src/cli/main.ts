import { ForetokenError, nearest, UsageError } from "../types/errors.js";
import { escaped, shown } from "../types/shown.js";
import { calibrateCommand } from "./calibrate.js";
import { chatCommand } from "./chat.js";
import { type Arguments, type Command, commandHelp, parseCommandLine } from "./command.js";
import { type CommandGroup, commandOf, groupHelp } from "./command-group.js";
import { demoCommand } from "./demo/demo.js";
import { doctorCommand } from "./doctor.js";
import { messageWithFlag } from "./flag-names.js";
import { generateCommand } from "./generate.js";
import { inspectCommand } from "./inspect.js";
import { trainCommands } from "./train/train.js";
import { packageVersion } from "./version.js";

/** Longest message that is written; paths and values in it are cut already. */
const MESSAGE_CHARACTERS = 4096;

const COMMANDS: readonly (Command | CommandGroup)[] = [
  demoCommand,
  generateCommand,
  chatCommand,
  trainCommands,
  calibrateCommand,
  inspectCommand,
  doctorCommand,
];

/** Runs the command line. Exit codes: 0 fine, 1 run-time failure, 2 usage, 130 interrupted. */
export async function main(argv: readonly string[]): Promise<void> {
  // A reader that goes away (| head) is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  printWarnings();
  try {
    await dispatch(argv);
  } catch (error) {
    process.exitCode = fail(error);
  }
}

async function dispatch(argv: readonly string[]): Promise<void> {
  const [name, ...rest] = argv;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(helpOf(rest));
    return;
  }
  if (name === "--version" || name === "-v") {
    process.stdout.write(`${packageVersion()}\n`);
    return;
  }
  const found = COMMANDS.find((candidate) => candidate.name === name);
  if (!found) {
    const names = COMMANDS.map((candidate) => candidate.name);
    const guess = nearest(name, names);
    throw new UsageError(
      `unknown command ${shown(name)}${guess ? `. Did you mean "${guess}"?` : `, expected one of: ${names.join(", ")}`} See: foretoken --help`,
    );
  }
  if (!("commands" in found)) return runLine(found, rest);
  const [word, ...line] = rest;
  if (word === "--help" || word === "-h") process.stdout.write(groupHelp(found));
  else await runLine(commandOf(found, word), line);
}

async function runLine(command: Command, line: readonly string[]): Promise<void> {
  const args = parseCommandLine(command, line);
  try {
    await run(command, args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(messageWithFlag(error, command.flags), { cause: error });
  }
}

async function run(command: Command, args: Arguments): Promise<void> {
  if (args.flags.help) process.stdout.write(commandHelp(command));
  else await command.run(args);
}

/** What `foretoken help WORDS` shows. */
function helpOf([name, word]: readonly string[]): string {
  const asked = COMMANDS.find((command) => command.name === name);
  if (!asked) return overview();
  if (!("commands" in asked)) return commandHelp(asked);
  return word === undefined ? groupHelp(asked) : commandHelp(commandOf(asked, word));
}

/** Our own warnings on one line; others as Node prints them. */
function printWarnings(): void {
  const others = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.name === "ForetokenWarning")
      process.stderr.write(`foretoken: warning: ${escaped(warning.message, MESSAGE_CHARACTERS)}\n`);
    else for (const listener of others) listener.call(process, warning);
  });
}

function fail(error: unknown): number {
  // Interrupted before there was any text to show.
  if (process.exitCode === 130 && error instanceof Error && error.name === "AbortError") return 130;
  const usage = error instanceof UsageError;
  const known = error instanceof ForetokenError;
  // What a message repeats of files and arguments must not reach a terminal as commands or further lines.
  const message = known
    ? escaped(error.message, MESSAGE_CHARACTERS)
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error);
  process.stderr.write(`foretoken: ${message}\n`);
  return usage ? 2 : 1;
}

function overview(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length)) + 2;
  const lines = COMMANDS.map((command) => `  ${command.name.padEnd(width)}${command.summary}`);
  return `foretoken ${packageVersion()}: speculative decoding, the same tokens in fewer passes\n\nUsage: foretoken COMMAND [options]\n\nCommands:\n${lines.join("\n")}\n\nforetoken COMMAND --help shows a command's options and examples.\n`;
}
