import { METHOD_OPTIONS, type MethodOptionName, type UsageError } from "../index.js";
import type { Flags } from "./command.js";
import { flagOf } from "./method-flags.js";

/** Flags that are called otherwise than the options that they give. */
const OTHERS: Readonly<Record<string, string>> = {
  stopStrings: "stop",
  stopTokenIds: "stop-token",
  logProbs: "logprobs",
  skipSpecialTokens: "show-special-tokens",
  templateVariables: "template-var",
};

/** The message of an error, with the command's flag in place of the option that it gives. */
export function messageWithFlag({ message, option }: UsageError, flags: Flags): string {
  if (option === undefined) return message;
  const method = Object.hasOwn(METHOD_OPTIONS, option) ? flagOf(option as MethodOptionName) : undefined;
  const flag = method ?? OTHERS[option] ?? option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return Object.hasOwn(flags, flag) ? message.replace(option, `--${flag}`) : message;
}
