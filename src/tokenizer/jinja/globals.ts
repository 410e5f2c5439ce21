import { Arguments } from "./arguments.js";
import type { Budget } from "./budget.js";
import { iterate } from "./operators.js";
import { Scope } from "./scope.js";
import { setAttribute } from "./statements.js";
import { strftime } from "./strftime.js";
import { fail, TemplateError } from "./template-error.js";
import { str } from "./text.js";
import { Callable, type Dict, type Keywords, Namespace, sequence, toKey, typeName, type Value } from "./values.js";

/** Jinja2's sandbox makes no longer range either. */
const LONGEST_RANGE = 100_000;

/** The functions that transformers gives to templates. */
export function globals(budget: Budget): Scope {
  const scope = new Scope();
  const define = (name: string, call: (args: Value[], keywords: Keywords) => Value) => {
    scope.set(name, new Callable(name, call));
  };
  define("range", (args, keywords) => range(args, keywords, budget));
  define("dict", (args, keywords) => dict(args, keywords, budget));
  define("namespace", (args, keywords) => {
    const namespace = new Namespace(new Map());
    for (const [key, value] of dict(args, keywords, budget)) setAttribute(namespace, String(key), value);
    return namespace;
  });
  define("raise_exception", ([message = ""]) => {
    throw new TemplateError("raised", str(message, budget));
  });
  define("strftime_now", ([format = ""]) => strftime(new Date(), str(format, budget).slice(0, 1000)));
  define("joiner", ([separator = ", "]) => joiner(separator));
  define("cycler", (args) => cycler(args));
  return scope;
}

function range(args: Value[], keywords: Keywords, budget: Budget): Value {
  const given = new Arguments("range()", ["start", "stop", "step"], args, keywords, budget);
  const two = args.length > 1;
  const [start, stop] = two ? [given.integer("start", 0), given.integer("stop", 0)] : [0, given.integer("start", 0)];
  if (args.length === 0) fail("range() needs an argument");
  const step = given.integer("step", 1);
  if (step === 0) fail("range() step must not be zero");
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= LONGEST_RANGE)) {
    throw new TemplateError("limit", `it asks for a range of ${length} numbers, more than ${LONGEST_RANGE}`);
  }
  budget.list(length);
  return Array.from({ length }, (_, i) => start + i * step);
}

function dict(args: readonly Value[], keywords: Keywords, budget: Budget): Dict {
  const [source] = args;
  const result: Dict = new Map();
  if (source instanceof Map) for (const [key, value] of source) result.set(key, value);
  else if (source !== undefined) for (const item of iterate(source, budget)) result.set(...pair(item));
  for (const [name, value] of keywords) result.set(name, value);
  budget.list(4 * result.size);
  return result;
}

function pair(item: Value) {
  const parts = sequence(item);
  if (parts?.length !== 2) return fail(`dict() needs pairs, not a ${typeName(item)}`);
  return [toKey(parts[0]), parts[1]] as const;
}

/** Nothing at its first call, the separator at all others. */
function joiner(separator: Value): Callable {
  let used = false;
  return new Callable("joiner", () => {
    if (used) return separator;
    used = true;
    return "";
  });
}

function cycler(items: Value[]): Namespace {
  if (items.length === 0) fail("at least one item has to be provided");
  let at = 0;
  const attributes = new Map<string, Value>([["current", items[0]]]);
  const move = (to: number) => {
    at = to % items.length;
    attributes.set("current", items[at]);
    return items[at];
  };
  const next = () => {
    const current = items[at];
    move(at + 1);
    return current;
  };
  attributes.set("next", new Callable("next", next));
  const reset = () => {
    move(0);
    return null;
  };
  attributes.set("reset", new Callable("reset", reset));
  return new Namespace(attributes);
}
