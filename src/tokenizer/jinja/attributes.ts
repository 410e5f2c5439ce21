import { Arguments } from "./arguments.js";
import type { Budget } from "./budget.js";
import { equal } from "./operators.js";
import { stringMethod } from "./string-methods.js";
import { fail, TemplateError } from "./template-error.js";
import { repr } from "./text.js";
import { characters, hasSurrogates } from "./unicode.js";
import {
  Callable,
  type Dict,
  Loop,
  Markup,
  Namespace,
  numeric,
  sequence,
  Tuple,
  toKey,
  typeName,
  Undefined,
  type Value,
} from "./values.js";

/** What Jinja2's sandbox keeps from templates. */
const CHANGES: Record<string, readonly string[]> = {
  list: ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"],
  dict: ["clear", "pop", "popitem", "setdefault", "update"],
};

/** `value.name`, or `value[key]` when computed: attributes and elements, in Jinja2's order. */
export function lookup(value: Value, key: Value, computed: boolean, budget: Budget): Value {
  if (value instanceof Undefined) return fail(value.hint);
  if (value instanceof Markup) return lookup(value.text, key, computed, budget);
  if (key instanceof Undefined) return fail(key.hint);
  const name = typeof key === "string" ? key : undefined;
  const first = computed
    ? element(value, key, budget)
    : name === undefined
      ? undefined
      : attribute(value, name, budget);
  if (first !== undefined) return first;
  let second: Value | undefined;
  if (!computed) second = element(value, key, budget);
  else if (name !== undefined) second = attribute(value, name, budget);
  if (second !== undefined) return second;
  const what = name === undefined ? `element ${repr(key, budget)}` : `attribute '${name}'`;
  return new Undefined(`'${typeName(value)} object' has no ${what}`);
}

function element(value: Value, key: Value, budget: Budget): Value | undefined {
  if (value instanceof Map) return key !== null && typeof key === "object" ? undefined : value.get(toKey(key));
  const index = typeof key === "object" ? undefined : numeric(key);
  if (index === undefined) return undefined;
  if (typeof value === "string") {
    if (!hasSurrogates(value, budget)) return value.at(index);
    budget.list(value.length);
    return characters(value).at(index);
  }
  return sequence(value)?.at(index);
}

function attribute(value: Value, name: string, budget: Budget): Value | undefined {
  if (value instanceof Namespace) return value.attributes.get(name);
  if (value instanceof Callable) return value.attributes.get(name);
  if (value instanceof Loop) return value.attribute(name);
  if (CHANGES[typeName(value)]?.includes(name)) {
    return new Callable(name, () => {
      throw new TemplateError("unsafe", `a template may not change a ${typeName(value)} (${name})`);
    });
  }
  if (typeof value === "string") {
    return stringMethod(value, name, (item, key, computed) => lookup(item, key, computed, budget), budget);
  }
  if (value instanceof Map) return dictMethod(value, name, budget);
  const items = sequence(value);
  return items && listMethod(value, items, name, budget);
}

function dictMethod(dict: Dict, name: string, budget: Budget): Callable | undefined {
  const view = (make: () => Value[]) =>
    new Callable(name, (args, keywords) => {
      new Arguments(`${name}()`, [], args, keywords, budget);
      budget.list(dict.size);
      return make();
    });
  switch (name) {
    case "items":
      return view(() => [...dict].map(([key, value]) => new Tuple([key, value])));
    case "keys":
      return view(() => [...dict.keys()]);
    case "values":
      return view(() => [...dict.values()]);
    case "copy":
      return new Callable(name, () => {
        budget.list(2 * dict.size);
        return new Map(dict);
      });
    case "get":
      return new Callable(name, (args, keywords) => {
        const given = new Arguments("get()", ["key", "default"], args, keywords, budget);
        return dict.get(toKey(given.required("key"))) ?? given.value("default") ?? null;
      });
  }
  return undefined;
}

function listMethod(list: Value, items: readonly Value[], name: string, budget: Budget): Callable | undefined {
  switch (name) {
    case "copy":
      return Array.isArray(list) ? new Callable(name, () => copy(items, budget)) : undefined;
    case "count":
      return new Callable(name, ([item]) => items.filter((other) => equal(other, item, budget)).length);
    case "index":
      return new Callable(name, ([item]) => {
        const at = items.findIndex((other) => equal(other, item, budget));
        return at < 0 ? fail(`${repr(item, budget)} is not in list`) : at;
      });
  }
  return undefined;
}

function copy(items: readonly Value[], budget: Budget): Value[] {
  budget.list(items.length);
  return [...items];
}
