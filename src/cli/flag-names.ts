import type { UsageError } from "../index.js";
import { TEMPLATE_FLAGS } from "./chat-flags.js";
import type { Flags } from "./command.js";
import { GENERATE_FLAGS, LOAD_FLAGS, RUNTIME_FLAGS } from "./flags.js";
import { METHOD_FLAGS } from "./method-flags.js";
import { kebab } from "./option-flags.js";
import { REQUEST_FLAGS } from "./speculation.js";

const TABLES = [GENERATE_FLAGS, METHOD_FLAGS, REQUEST_FLAGS, TEMPLATE_FLAGS, LOAD_FLAGS, RUNTIME_FLAGS];

/** The flag that gives an option of `generate`, its speculation, or loading, without dashes. */
export function flagOf(option: string): string | undefined {
  return TABLES.map((table) => table.flagOf(option)).find((flag) => flag !== undefined);
}

/** The message of an error, with the command's flag in place of the option that it gives. */
export function messageWithFlag({ message, option }: UsageError, flags: Flags): string {
  if (option === undefined) return message;
  const flag = flagOf(option) ?? kebab(option);
  return Object.hasOwn(flags, flag) ? message.replace(option, `--${flag}`) : message;
}
