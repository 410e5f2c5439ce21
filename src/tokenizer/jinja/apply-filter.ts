import { Arguments } from "./arguments.js";
import type { Budget } from "./budget.js";
import { FILTERS } from "./filters.js";
import { percentFormat } from "./format.js";
import { attributeGetter, LIST_FILTERS } from "./list-filters.js";
import { iterate, truthy } from "./operators.js";
import { fail } from "./template-error.js";
import { applyTest } from "./tests.js";
import { str } from "./text.js";
import { Generator, type Keywords, Markup, Tuple, type Value } from "./values.js";

/** Filters that do not work on every character of a text, or have the engine do it. */
const SWIFT = new Set([
  ...["d", "default", "format", "int", "float", "lower", "replace", "safe", "string", "tojson", "trim", "upper"],
  ...["map", "reject", "rejectattr", "select", "selectattr"],
]);

/** `value | name(args)`. @throws TemplateError when there is no such filter */
export function applyFilter(name: string, value: Value, args: Value[], keywords: Keywords, budget: Budget): Value {
  budget.step();
  if (value instanceof Markup && !["safe", "string", "e", "escape"].includes(name)) {
    return applyFilter(name, value.text, args, keywords, budget);
  }
  if (name === "string" && value instanceof Markup) return value;
  if (typeof value === "string") {
    if (SWIFT.has(name)) budget.read(value.length);
    else budget.scan(value.length);
  }
  switch (name) {
    case "map":
      return map(value, args, keywords, budget);
    case "select":
    case "reject":
      return select(value, (item) => item, args, name === "select", budget);
    case "selectattr":
    case "rejectattr": {
      if (args.length === 0) fail(`${name} needs the name of an attribute`);
      return select(value, attributeGetter(args[0], budget), args.slice(1), name === "selectattr", budget);
    }
    case "format":
      return percentFormat(str(value, budget), keywords.size > 0 ? new Map(keywords) : new Tuple(args), budget);
  }
  const entry = Object.hasOwn(FILTERS, name)
    ? FILTERS[name]
    : LIST_FILTERS[Object.hasOwn(LIST_FILTERS, name) ? name : ""];
  if (!entry) return fail(`No filter named '${name}'.`);
  const [parameters, filter] = entry;
  const result = filter(value, new Arguments(`the filter ${name}`, parameters, args, keywords, budget), budget);
  if (typeof result === "string") budget.text(result.length);
  return result;
}

function map(value: Value, args: Value[], keywords: Keywords, budget: Budget): Value {
  let change: (item: Value) => Value;
  if (args.length === 0 && keywords.has("attribute")) {
    change = attributeGetter(keywords.get("attribute"), budget, keywords.get("default"));
  } else {
    const [name, ...rest] = args;
    if (typeof name !== "string") return fail("map requires the name of a filter");
    change = (item) => applyFilter(name, item, rest, keywords, budget);
  }
  if (!truthy(value)) return new Generator([]);
  const items = iterate(value, budget);
  budget.list(items.length);
  return new Generator(items.map(change));
}

/** Elements whose attribute passes the test that `args` name, or is true where they name none. */
function select(
  value: Value,
  get: (item: Value) => Value,
  [name, ...args]: Value[],
  wanted: boolean,
  budget: Budget,
): Value {
  if (!truthy(value)) return new Generator([]);
  const passes = (item: Value) => {
    if (name === undefined) return truthy(item);
    return typeof name === "string" ? applyTest(name, item, args, budget) : fail("a test must be named by a text");
  };
  const items = iterate(value, budget);
  budget.list(items.length);
  return new Generator(items.filter((item) => passes(get(item)) === wanted));
}
