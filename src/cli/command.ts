import { parseArgs } from "node:util";
import { UsageError } from "../types/errors.js";
import { guessName } from "../types/option-table.js";
import { escaped } from "../types/shown.js";
import { FLAG_ALIASES } from "./flag-aliases.js";

/** A flag of a command. Numbers come as text and are checked by `number`. */
export interface Flag {
  type: "string" | "boolean";
  /** One letter for the short form. */
  short?: string;
  /** May be given several times. */
  multiple?: boolean;
  /** What stands after the flag in help, e.g. "K". Booleans have none. */
  value?: string;
  help: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** What a command line said: flags that were given, and words that belong to no flag. */
export interface Arguments {
  flags: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  words: string[];
}

export interface Command {
  name: string;
  summary: string;
  /** Words after the command's name in the usage line. */
  usage: string;
  /** Most words that it takes. */
  words: number;
  flags: Flags;
  /** Command lines with what they do. */
  examples: readonly (readonly [line: string, does: string])[];
  run(args: Arguments): Promise<void>;
}

/** @throws UsageError for an unknown flag (with the nearest known one), a missing value, or a word too many. */
export function parseCommandLine(command: Command, argv: readonly string[]): Arguments {
  const options = Object.fromEntries(
    Object.entries({ ...command.flags, ...COMMON_FLAGS }).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short && { short }), ...(multiple && { multiple }) },
    ]),
  );
  const words: string[] = [];
  try {
    const { values, positionals } = parseArgs({
      args: joinNegative(argv, { ...command.flags, ...COMMON_FLAGS }),
      options,
      allowPositionals: true,
    });
    words.push(...positionals);
    if (words.length > command.words) {
      throw new UsageError(
        `foretoken ${command.name} takes ${command.words === 0 ? "no words" : `${command.words} at most`}, got ${JSON.stringify(words[command.words])}: put text with spaces in quotes`,
      );
    }
    return { flags: values, words };
  } catch (error) {
    throw explain(error as NodeJS.ErrnoException, Object.keys(options), command);
  }
}

/** The flag as a number. @throws UsageError when it is none. */
export function numberFlag({ flags }: Arguments, name: string): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (typeof text === "string" && text.trim() !== "" && Number.isFinite(value)) return value;
  throw new UsageError(`--${name} must be a number, got ${JSON.stringify(text)}`);
}

export function stringFlag({ flags }: Arguments, name: string): string | undefined {
  return flags[name] as string | undefined;
}

/** The usage line, flags and examples of a command. */
export function commandHelp(command: Command): string {
  const lines = [
    command.summary,
    "",
    `Usage: foretoken ${command.name} ${command.usage}`.trimEnd(),
    "",
    "Options:",
    ...flagLines({ ...command.flags, ...COMMON_FLAGS }),
    "",
    "Examples:",
    ...command.examples.flatMap(([line, does]) => [`  # ${does}`, `  ${line}`]),
  ];
  return `${lines.join("\n")}\n`;
}

const COMMON_FLAGS: Flags = {
  help: { type: "boolean", short: "h", help: "show this help" },
};

function flagLines(flags: Flags): string[] {
  const left = Object.entries(flags).map(
    ([name, flag]) => `  ${flag.short ? `-${flag.short}, ` : ""}--${name}${flag.value ? ` ${flag.value}` : ""}`,
  );
  const width = Math.max(...left.map((text) => text.length)) + 2;
  return Object.values(flags).map((flag, i) => left[i].padEnd(width) + flag.help);
}

/** "--flag -1" reads as two flags to the parser; joins them when the second is a number. */
function joinNegative(argv: readonly string[], flags: Flags): string[] {
  const all = Object.entries(flags);
  const valued = new Map<string, string>();
  for (const [name, { type, short }] of all) {
    if (type === "boolean") continue;
    valued.set(`--${name}`, `--${name}=`);
    if (short) valued.set(`-${short}`, `-${short}`);
  }
  const args: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const joined = /^-[\d.]/.test(argv[i + 1] ?? "") ? valued.get(argv[i]) : undefined;
    args.push(joined === undefined ? argv[i] : joined + argv[++i]);
  }
  return args;
}

function explain(error: NodeJS.ErrnoException, known: string[], command: Command): Error {
  if (error.code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") {
    const flag = /'(-+[^']*)'/.exec(error.message)?.[1] ?? "";
    const guess = guessName(flag.replace(/^-+/, ""), known, FLAG_ALIASES);
    return new UsageError(
      `unknown flag ${escaped(flag)}.${guess ? ` Did you mean --${guess}?` : ""} See: foretoken ${command.name} --help`,
    );
  }
  if (error.code === "ERR_PARSE_ARGS_INVALID_OPTION_VALUE") {
    return new UsageError(`${error.message.split("\n")[0].replace(/^Option/, "flag")}`);
  }
  return error;
}
