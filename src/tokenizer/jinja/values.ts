import { fail } from "./template-error.js";

/** A float of Python's; integers are numbers of JavaScript's. */
export class Float {
  constructor(readonly value: number) {}
}

/** What a missing name or attribute gives: empty where it is printed, an error where something is done with it. */
export class Undefined {
  constructor(readonly hint: string) {}
}

/** Text that the filters `safe` and `escape` give: what is added to it with + is escaped for HTML. */
export class Markup {
  constructor(readonly text: string) {}
}

export class Tuple {
  constructor(readonly items: readonly Value[]) {}
}

/** What most filters give: true whatever it holds, and empty after it was gone through once. */
export class Generator {
  constructor(private items: Value[]) {}

  take(): Value[] {
    const { items } = this;
    this.items = [];
    return items;
  }
}

/** `namespace()`: attributes that may be set. */
export class Namespace {
  constructor(readonly attributes: Map<string, Value>) {}
}

export type Keywords = ReadonlyMap<string, Value>;

/** A function, method or macro. */
export class Callable {
  constructor(
    readonly name: string,
    readonly call: (args: Value[], keywords: Keywords) => Value,
    /** What a template may read of it. */
    readonly attributes: ReadonlyMap<string, Value> = new Map(),
  ) {}
}

/** The variable `loop`. */
export class Loop {
  constructor(
    readonly attribute: (name: string) => Value | undefined,
    /** What the loop prints for other items, where it is recursive. */
    readonly again: (items: Value | undefined) => Value,
  ) {}
}

export type Dict = Map<Key, Value>;
export type Key = string | number | boolean | null;

/**
 * A value as a template sees it: Python's None is null, a list an array, a dict a Map. No object of JavaScript's is ever
 * looked up by name, so that a template has no way to constructors or prototypes.
 */
export type Value =
  | null
  | boolean
  | number
  | string
  | Float
  | Undefined
  | Markup
  | Tuple
  | Generator
  | Namespace
  | Callable
  | Loop
  | Value[]
  | Dict;

/** Python's name of a value's type, for messages. */
export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "int";
  if (typeof value === "string") return "str";
  if (Array.isArray(value)) return "list";
  if (value instanceof Map) return "dict";
  const names = {
    Float: "float",
    Markup: "str",
    Tuple: "tuple",
    Generator: "generator",
    Namespace: "Namespace",
    Loop: "LoopContext",
  };
  if (value instanceof Callable) return "function";
  return (names as Record<string, string>)[value.constructor.name] ?? "Undefined";
}

/** A number's value (booleans are 0 and 1), undefined for what is none. */
export function numeric(value: Value): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  return value instanceof Float ? value.value : undefined;
}

/** The value as a key of a dict; 1, 1.0 and true are different keys here. */
export function toKey(value: Value): Key {
  if (value instanceof Float) return value.value;
  if (value instanceof Markup) return value.text;
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return value;
  }
  refuseUndefined(value);
  return fail(`a dict's key cannot be a ${typeName(value)}`);
}

export function refuseUndefined(value: Value): void {
  if (value instanceof Undefined) fail(value.hint);
}

/** Elements of a list or tuple; undefined for others. */
export function sequence(value: Value): readonly Value[] | undefined {
  return Array.isArray(value) ? value : value instanceof Tuple ? value.items : undefined;
}

/** The value, markup as the text that it is. */
export function plain(value: Value): Value {
  return value instanceof Markup ? value.text : value;
}
