import type { Arguments } from "./arguments.js";
import { lookup } from "./attributes.js";
import type { Budget } from "./budget.js";
import { fixed } from "./format.js";
import { type JsonStyle, json } from "./json.js";
import { escaped, iterate, lengthOf, truthy } from "./operators.js";
import { pad, replace } from "./string-methods.js";
import { fail } from "./template-error.js";
import { str } from "./text.js";
import { indent, truncate, wordCount } from "./text-filters.js";
import { capitalize, characters, strip, title } from "./unicode.js";
import {
  Float,
  Generator,
  Markup,
  numeric,
  refuseUndefined,
  sequence,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.js";

type Filter = (value: Value, args: Arguments, budget: Budget) => Value;

/** Filters of one value with a fixed list of parameters. Those that take other filters or tests are in list-filters.ts. */
export const FILTERS: Record<string, readonly [parameters: readonly string[], filter: Filter]> = {
  abs: [[], absolute],
  attr: [["name"], (value, args, budget) => attributeOf(value, args.requiredText("name"), budget)],
  capitalize: [[], (value, _, budget) => capitalize(str(value, budget))],
  center: [["width", "fillchar"], (value, args, budget) => pad(str(value, budget), args, budget, "center")],
  count: [[], lengthOf],
  d: [["default_value", "boolean"], orDefault],
  default: [["default_value", "boolean"], orDefault],
  e: [[], (value, _, budget) => new Markup(escaped(value, budget))],
  escape: [[], (value, _, budget) => new Markup(escaped(value, budget))],
  first: [[], (value, _, budget) => firstOf(value, budget)],
  float: [["default"], (value, args) => toFloat(value, args.value("default"))],
  forceescape: [[], (value, _, budget) => new Markup(escaped(value, budget))],
  indent: [["width", "first", "blank"], indent],
  int: [["default", "base"], toInteger],
  items: [[], items],
  last: [[], lastOf],
  length: [[], lengthOf],
  list: [[], (value, _, budget) => [...iterate(value, budget)]],
  lower: [[], (value, _, budget) => str(value, budget).toLowerCase()],
  pprint: [[], (value, _, budget) => str(value, budget)],
  replace: [["old", "new", "count"], replaceFilter],
  reverse: [[], reversed],
  round: [["precision", "method"], round],
  safe: [[], (value, _, budget) => new Markup(str(value, budget))],
  string: [[], (value, _, budget) => str(value, budget)],
  title: [[], (value, _, budget) => title(str(value, budget))],
  tojson: [["ensure_ascii", "indent", "separators", "sort_keys"], toJson],
  trim: [["chars"], (value, args, budget) => strip(str(value, budget), "both", args.text("chars"))],
  truncate: [["length", "killwords", "end", "leeway"], truncate],
  upper: [[], (value, _, budget) => str(value, budget).toUpperCase()],
  urlencode: [[], (value, _, budget) => encodeURIComponent(str(value, budget)).replace(/%2F/g, "/")],
  wordcount: [[], wordCount],
};

function absolute(value: Value): Value {
  const number = numeric(value) ?? fail(`abs needs a number, not ${typeName(value)}`);
  return value instanceof Float ? new Float(Math.abs(number)) : Math.abs(number);
}

/** An attribute, never an element. */
function attributeOf(value: Value, name: string, budget: Budget): Value {
  if (value instanceof Map) return new Undefined(`'dict object' has no attribute '${name}'`);
  return lookup(value, name, false, budget);
}

function orDefault(value: Value, args: Arguments): Value {
  const missing = value instanceof Undefined || (args.flag("boolean") && !truthy(value));
  if (!missing) return value;
  const given = args.value("default_value");
  return given === undefined ? "" : given;
}

function firstOf(value: Value, budget: Budget): Value {
  const all = iterate(value, budget);
  return all.length > 0 ? all[0] : new Undefined("No first item, sequence was empty.");
}

function lastOf(value: Value, _: Arguments, budget: Budget): Value {
  if (value instanceof Generator) return fail("'generator' object is not reversible");
  const all = iterate(value, budget);
  return all.length > 0 ? all[all.length - 1] : new Undefined("No last item, sequence was empty.");
}

function toFloat(value: Value, otherwise: Value | undefined): Value {
  const number = typeof value === "string" ? parseNumber(value) : numeric(value);
  refuseUndefined(value);
  return number === undefined ? (otherwise ?? new Float(0)) : new Float(number);
}

function parseNumber(text: string): number | undefined {
  const digits = strip(text, "both");
  return /^[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(digits) ? Number(digits.replaceAll("_", "")) : undefined;
}

function toInteger(value: Value, args: Arguments): Value {
  refuseUndefined(value);
  const base = args.integer("base", 10);
  if (typeof value === "string" && base !== 10) {
    const digits = strip(value, "both").replace(/^([+-]?)0[box]/i, "$1");
    const parsed = Number.parseInt(digits, base);
    return Number.isNaN(parsed) ? args.integer("default", 0) : parsed;
  }
  const number = typeof value === "string" ? parseNumber(value) : numeric(value);
  return number === undefined || !Number.isFinite(number) ? (args.value("default") ?? 0) : Math.trunc(number);
}

function items(value: Value, _: Arguments, budget: Budget): Value {
  if (value instanceof Undefined) return new Generator([]);
  if (!(value instanceof Map)) return fail("Can only get item pairs from a mapping.");
  budget.list(2 * value.size);
  return new Generator([...value].map(([key, item]) => new Tuple([key, item])));
}

function replaceFilter(value: Value, args: Arguments, budget: Budget): string {
  const text = str(value, budget);
  const [old, by] = [args.printed("old", ""), args.printed("new", "")];
  return replace(text, old, by, args.integer("count", -1), budget);
}

function reversed(value: Value, _: Arguments, budget: Budget): Value {
  if (typeof value === "string") {
    budget.list(value.length);
    return characters(value).reverse().join("");
  }
  const all = iterate(value, budget);
  budget.list(all.length);
  return new Generator([...all].reverse());
}

/** Python's round: halves go to the even neighbour. */
function round(value: Value, args: Arguments): Value {
  const number = numeric(value) ?? fail(`round needs a number, not ${typeName(value)}`);
  const precision = args.integer("precision", 0);
  const method = args.text("method") ?? "common";
  if (!["common", "ceil", "floor"].includes(method)) fail("method must be common, ceil or floor");
  const scale = 10 ** precision;
  if (method !== "common") return new Float((method === "ceil" ? Math.ceil : Math.floor)(number * scale) / scale);
  if (!(value instanceof Float)) return precision >= 0 ? number : Math.round(number * scale) / scale;
  if (precision > 0) return new Float(Number(fixed(number, Math.min(precision, 100))));
  const scaled = number * scale;
  const near = Math.round(scaled);
  return new Float((Math.abs(scaled % 1) === 0.5 && near % 2 !== 0 ? near - 1 : near) / scale);
}

function toJson(value: Value, args: Arguments, budget: Budget): string {
  const pair = args.value("separators") ?? null;
  const separators = pair === null ? undefined : sequence(pair)?.filter((part) => typeof part === "string");
  if (separators && separators.length !== 2) fail("separators must be two texts");
  const given = args.value("indent") ?? null;
  const indentation = typeof given === "string" ? given : args.integer("indent");
  const style: JsonStyle = {
    ensureAscii: args.flag("ensure_ascii"),
    indent: indentation,
    separators: separators as [string, string] | undefined,
    sortKeys: args.flag("sort_keys"),
  };
  return json(value, style, budget);
}
