import type { Arguments } from "./arguments.js";
import { lookup } from "./attributes.js";
import type { Budget } from "./budget.js";
import { arithmetic, compare, equal, iterate } from "./operators.js";
import { join } from "./string-methods.js";
import { fail } from "./template-error.js";
import { str } from "./text.js";
import { Generator, type Key, Tuple, typeName, Undefined, type Value } from "./values.js";

type Filter = (value: Value, args: Arguments, budget: Budget) => Value;

/** Filters that go through a list and may look at an attribute of its elements. */
export const LIST_FILTERS: Record<string, readonly [parameters: readonly string[], filter: Filter]> = {
  batch: [["linecount", "fill_with"], batch],
  dictsort: [["case_sensitive", "by", "reverse"], dictSort],
  groupby: [["attribute", "default", "case_sensitive"], groupBy],
  join: [["d", "attribute"], joinFilter],
  max: [["case_sensitive", "attribute"], (value, args, budget) => extreme(value, args, budget, 1)],
  min: [["case_sensitive", "attribute"], (value, args, budget) => extreme(value, args, budget, -1)],
  slice: [["slices", "fill_with"], slices],
  sort: [["reverse", "case_sensitive", "attribute"], sort],
  sum: [["attribute", "start"], sum],
  unique: [["case_sensitive", "attribute"], unique],
};

/** What "a.b.0" names of an element. Without an attribute the element itself. */
export function attributeGetter(attribute: Value | undefined, budget: Budget, otherwise?: Value) {
  if (attribute === undefined || attribute === null) return (item: Value) => item;
  const parts = String(attribute)
    .split(".")
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  return (item: Value) => {
    let value = item;
    for (const part of parts) {
      value = lookup(value, part, true, budget);
      if (value instanceof Undefined && otherwise !== undefined) value = otherwise;
    }
    return value;
  };
}

/** What elements are ordered by: several attributes, case left aside unless asked for. */
function orderKey(args: Arguments, budget: Budget): (item: Value) => Value {
  const attribute = args.value("attribute");
  const names = typeof attribute === "string" ? attribute.split(",") : [attribute];
  const getters = names.map((name) => attributeGetter(name, budget));
  const fold = !args.flag("case_sensitive");
  const key = (value: Value) => (fold && typeof value === "string" ? value.toLowerCase() : value);
  return getters.length === 1 ? (item) => key(getters[0](item)) : (item) => getters.map((get) => key(get(item)));
}

function sort(value: Value, args: Arguments, budget: Budget): Value {
  const key = orderKey(args, budget);
  const keyed = iterate(value, budget).map((item) => ({ item, key: key(item) }));
  budget.list(4 * keyed.length);
  const sign = args.flag("reverse") ? -1 : 1;
  return keyed
    .sort((a, b) => {
      budget.step();
      return sign * compare(a.key, b.key, budget);
    })
    .map(({ item }) => item);
}

function dictSort(value: Value, args: Arguments, budget: Budget): Value {
  if (!(value instanceof Map)) return fail(`dictsort needs a dict, not ${typeName(value)}`);
  const by = args.text("by") ?? "key";
  if (by !== "key" && by !== "value") fail("dictsort is by key or value");
  const fold = !args.flag("case_sensitive");
  const sign = args.flag("reverse") ? -1 : 1;
  const key = (pair: readonly [Key, Value]) => {
    const part = pair[by === "key" ? 0 : 1];
    return fold && typeof part === "string" ? part.toLowerCase() : part;
  };
  budget.list(4 * value.size);
  const pairs = [...value].sort((a, b) => sign * compare(key(a), key(b), budget));
  return pairs.map((pair) => new Tuple(pair));
}

function joinFilter(value: Value, args: Arguments, budget: Budget): string {
  const get = attributeGetter(args.value("attribute"), budget);
  const texts = iterate(value, budget).map((item) => str(get(item), budget));
  return join(args.printed("d", ""), texts, budget);
}

function extreme(value: Value, args: Arguments, budget: Budget, sign: number): Value {
  const key = orderKey(args, budget);
  let best: Value | undefined;
  for (const item of iterate(value, budget)) {
    if (best === undefined || sign * compare(key(item), key(best), budget) > 0) best = item;
  }
  return best ?? new Undefined("No aggregated item, sequence was empty.");
}

function sum(value: Value, args: Arguments, budget: Budget): Value {
  const get = attributeGetter(args.value("attribute"), budget);
  let total: Value = args.value("start") ?? 0;
  for (const item of iterate(value, budget)) total = arithmetic("+", total, get(item), budget);
  return total;
}

function unique(value: Value, args: Arguments, budget: Budget): Value {
  const key = orderKey(args, budget);
  const seen = new Set<unknown>();
  const result: Value[] = [];
  for (const item of iterate(value, budget)) {
    const own = key(item);
    const mark = own === null || typeof own !== "object" ? own : str(own, budget);
    if (seen.has(mark)) continue;
    seen.add(mark);
    result.push(item);
  }
  return new Generator(result);
}

function batch(value: Value, args: Arguments, budget: Budget): Value {
  const [size, fill] = [args.integer("linecount", 0), args.value("fill_with") ?? null];
  if (size < 1) fail("batch needs a size of 1 or more");
  const all = iterate(value, budget);
  const rows: Value[][] = [];
  budget.list(2 * all.length);
  for (let i = 0; i < all.length; i += size) rows.push(all.slice(i, i + size));
  const last = rows.at(-1);
  if (last && fill !== null) {
    budget.list(size - last.length);
    while (last.length < size) last.push(fill);
  }
  return new Generator(rows);
}

/** So many lists of about the same length, the longer ones first. */
function slices(value: Value, args: Arguments, budget: Budget): Value {
  const count = args.integer("slices") ?? fail("slice needs a number of slices");
  if (count === 0) fail("slice needs a number of slices other than 0");
  const fill = args.value("fill_with") ?? null;
  const all = iterate(value, budget);
  budget.list(2 * all.length + 4 * Math.max(0, count));
  const [least, longer] = [Math.floor(all.length / count), all.length % count];
  const rows = Array.from({ length: Math.max(0, count) }, (_, i) => {
    const start = i * least + Math.min(i, longer);
    const row = all.slice(start, start + least + (i < longer ? 1 : 0));
    return fill !== null && i >= longer ? [...row, fill] : row;
  });
  return new Generator(rows);
}

function groupBy(value: Value, args: Arguments, budget: Budget): Value {
  const get = attributeGetter(args.required("attribute"), budget, args.value("default"));
  const fold = (item: Value) => {
    const own = get(item);
    return typeof own === "string" && !args.flag("case_sensitive") ? own.toLowerCase() : own;
  };
  const keyed = iterate(value, budget).map((item) => ({ item, key: fold(item) }));
  budget.list(6 * keyed.length);
  keyed.sort((a, b) => compare(a.key, b.key, budget));
  const groups: { key: Value; items: Value[] }[] = [];
  for (const { item, key } of keyed) {
    const group = groups.at(-1);
    if (group && equal(group.key, key, budget)) group.items.push(item);
    else groups.push({ key, items: [item] });
  }
  return groups.map(({ items }) => new Tuple([get(items[0]), items]));
}
