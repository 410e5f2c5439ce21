import { fstatSync } from "node:fs";
import { UsageError } from "../index.js";
import { type Arguments, stringFlag } from "./command.js";
import { readStdin } from "./terminal.js";

const DEFAULT_PROMPT = "Once upon a time there was a little girl named Lily. She";

export interface Prompt {
  text: string;
  /** Whether nobody gave it: then it is shown before the output. */
  isDefault: boolean;
}

/** The prompt: a word or --prompt, standard input for "-" or when text is piped in, else one of ours. */
export async function promptOf(args: Arguments): Promise<Prompt> {
  const flag = stringFlag(args, "prompt");
  if (flag !== undefined && args.words.length > 0) {
    throw new UsageError(`give the prompt once: as a word or with --prompt, not both`);
  }
  const given = args.words[0] ?? flag;
  const taken = readsStdin(args);
  if (given === "-" && taken) throw new UsageError(`standard input is read by --${taken}: give the prompt as a word`);
  if (given !== undefined && given !== "-") return { text: given, isDefault: false };
  if (given === "-" || (!taken && isPiped())) {
    const text = (await readStdin()).replace(/\r?\n$/, "");
    if (text !== "" || given === "-") return { text, isDefault: false };
  }
  return { text: DEFAULT_PROMPT, isDefault: true };
}

/** The flag that reads a file from standard input, if one does. */
function readsStdin(args: Arguments): string | undefined {
  return ["json-schema", "grammar", "lookup-corpus"].find((name) => isStdin(stringFlag(args, name)));
}

export function isStdin(path: string | undefined): boolean {
  return path === "-" || path === "/dev/stdin" || path === "/dev/fd/0";
}

/** Whether somebody put something there: a terminal, /dev/null and a closed input say no. */
function isPiped(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isFile() || stat.isSocket();
  } catch {
    return false;
  }
}
