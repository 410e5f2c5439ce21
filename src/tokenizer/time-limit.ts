import { type Context, createContext, Script } from "node:vm";
import { TokenizerError } from "../types/errors.js";

/** Where V8 can be told to stop: a regex that runs cannot be interrupted by JavaScript of its own thread. */
let box: (Context & { work?: () => unknown }) | undefined;
const script = new Script("work()");

/**
 * The result of `work`, which is ended when it takes longer than that many milliseconds. Costs 60 microseconds.
 * @throws TokenizerError with `message` when the time is up
 */
export function withTimeLimit<T>(work: () => T, milliseconds: number, message: string): T {
  box ??= createContext({}) as Context & { work?: () => unknown };
  const { work: outer } = box;
  box.work = work;
  try {
    return script.runInContext(box, { timeout: Math.ceil(milliseconds) }) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") throw new TokenizerError(message);
    throw error;
  } finally {
    box.work = outer;
  }
}
