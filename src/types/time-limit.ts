import { createContext, Script } from "node:vm";

const script = new Script("work()");
const context = createContext({});

/** Work took longer than it may. */
export class TimeLimitError extends Error {}

/**
 * Runs work that does not wait for anything, WebAssembly included, and ends it when its time is over.
 * What the work has changed until then stays as it is: throw it away.
 * @param milliseconds more than 0; rounded up
 */
export function runWithin<T>(milliseconds: number, work: () => T): T {
  const before = context.work;
  context.work = work;
  try {
    return script.runInContext(context, { timeout: Math.ceil(milliseconds) });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === "ERR_SCRIPT_EXECUTION_TIMEOUT" ? new TimeLimitError() : error;
  } finally {
    context.work = before;
  }
}
