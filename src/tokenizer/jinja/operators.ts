import type { Budget } from "./budget.js";
import { percentFormat } from "./format.js";
import { fail } from "./template-error.js";
import { str } from "./text.js";
import { characterCount, characters } from "./unicode.js";
import {
  type Dict,
  Float,
  Generator,
  Markup,
  Namespace,
  numeric,
  plain,
  refuseUndefined,
  sequence,
  Tuple,
  toKey,
  typeName,
  Undefined,
  type Value,
} from "./values.js";

export function truthy(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  const number = numeric(value);
  if (number !== undefined) return number !== 0;
  if (typeof value === "string") return value !== "";
  if (value instanceof Markup) return value.text !== "";
  if (value instanceof Map) return value.size > 0;
  return sequence(value)?.length !== 0;
}

/** Python's ==: by value, and never true between a text and a number. */
export function equal(a: Value, b: Value, budget: Budget): boolean {
  budget.step();
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined || y !== undefined) return x === y;
  if (a instanceof Markup || b instanceof Markup) return equal(plain(a), plain(b), budget);
  if (typeof a === "string" && typeof b === "string") {
    if (a.length === b.length) budget.read(a.length);
    return a === b;
  }
  if (a instanceof Undefined) return b instanceof Undefined;
  const [left, right] = [sequence(a), sequence(b)];
  if (left && right) {
    if (Array.isArray(a) !== Array.isArray(b) || left.length !== right.length) return false;
    return nested(budget, left.length, () => left.every((item, i) => equal(item, right[i], budget)));
  }
  if (a instanceof Map && b instanceof Map) {
    if (a.size !== b.size) return false;
    return nested(budget, a.size, () =>
      [...(a as Dict)].every(([key, item]) => b.has(key) && equal(item, b.get(key)!, budget)),
    );
  }
  return a === b;
}

function nested(budget: Budget, length: number, compareAll: () => boolean): boolean {
  budget.step(length);
  budget.enter();
  const same = compareAll();
  budget.leave();
  return same;
}

/** Negative, 0 or positive, as Python orders. @throws TemplateError for values that have no order */
export function compare(a: Value, b: Value, budget: Budget, operator = "<"): number {
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined && y !== undefined) return x < y ? -1 : x > y ? 1 : 0;
  if (typeof a === "string" && typeof b === "string") {
    budget.read(Math.min(a.length, b.length));
    return a < b ? -1 : a > b ? 1 : 0;
  }
  if (a instanceof Markup || b instanceof Markup) return compare(plain(a), plain(b), budget, operator);
  const [left, right] = [sequence(a), sequence(b)];
  if (left && right && Array.isArray(a) === Array.isArray(b)) {
    budget.enter();
    let order = 0;
    for (let i = 0; order === 0 && i < Math.min(left.length, right.length); i++) {
      budget.step();
      if (!equal(left[i], right[i], budget)) order = compare(left[i], right[i], budget, operator);
    }
    budget.leave();
    return order || left.length - right.length;
  }
  refuseUndefined(a);
  refuseUndefined(b);
  return fail(`'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

export function contains(container: Value, item: Value, budget: Budget): boolean {
  if (container instanceof Markup || item instanceof Markup) return contains(plain(container), plain(item), budget);
  if (typeof container === "string") {
    refuseUndefined(item);
    if (typeof item !== "string") fail(`'in <string>' requires string as left operand, not ${typeName(item)}`);
    budget.read(container.length);
    return container.includes(item);
  }
  if (container instanceof Map) return container.has(toKey(item));
  return iterate(container, budget).some((element) => equal(element, item, budget));
}

/** The elements that a loop goes through. @throws TemplateError for what cannot be gone through */
export function iterate(value: Value, budget: Budget): readonly Value[] {
  const items = sequence(value);
  if (items) {
    budget.step(items.length);
    return items;
  }
  if (value instanceof Undefined) return [];
  if (value instanceof Generator) return value.take();
  if (value instanceof Markup) return iterate(value.text, budget);
  if (typeof value === "string") {
    budget.list(value.length);
    return characters(value);
  }
  if (value instanceof Map) {
    budget.list(value.size);
    return [...(value as Dict).keys()].map((key) =>
      typeof key === "number" && !Number.isInteger(key) ? new Float(key) : key,
    );
  }
  return fail(`'${typeName(value)}' object is not iterable`);
}

/** The text as HTML shows it; markup as it is. */
export function escaped(value: Value, budget: Budget): string {
  if (value instanceof Markup) return value.text;
  const text = str(value, budget);
  budget.scan(text.length);
  budget.text(5 * text.length);
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&#34;" };
  return text.replace(/[&<>'"]/g, (character) => entities[character]);
}

/** + - * / // % ** and ~, as Python has them. */
export function arithmetic(operator: string, a: Value, b: Value, budget: Budget): Value {
  if (operator === "~") return concat([str(a, budget), str(b, budget)], budget);
  refuseUndefined(a);
  refuseUndefined(b);
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined && y !== undefined) {
    const float = a instanceof Float || b instanceof Float;
    return calculate(operator, x, y, float);
  }
  if (operator === "+" && (a instanceof Markup || b instanceof Markup)) {
    return new Markup(concat([escaped(a, budget), escaped(b, budget)], budget));
  }
  if (operator === "%" && typeof a === "string") return percentFormat(a, b, budget);
  if (operator === "+" && typeof a === "string" && typeof b === "string") return concat([a, b], budget);
  const [left, right] = [sequence(a), sequence(b)];
  if (operator === "+" && left && right && Array.isArray(a) === Array.isArray(b)) {
    budget.list(left.length + right.length);
    const items = [...left, ...right];
    return Array.isArray(a) ? items : new Tuple(items);
  }
  if (operator === "*") {
    const [value, count] = y === undefined ? [b, x] : [a, y];
    if (count !== undefined && !(a instanceof Float) && !(b instanceof Float)) return repeat(value, count, budget);
  }
  return fail(`unsupported operand type(s) for ${operator}: '${typeName(a)}' and '${typeName(b)}'`);
}

export function concat(parts: readonly string[], budget: Budget): string {
  let length = 0;
  for (const part of parts) length += part.length;
  budget.text(length);
  return parts.length === 2 ? parts[0] + parts[1] : parts.join("");
}

function repeat(value: Value, count: number, budget: Budget): Value {
  const times = Math.max(0, count);
  if (typeof value === "string") {
    budget.text(value.length * times);
    return value.repeat(times);
  }
  const items = sequence(value) ?? fail(`unsupported operand type(s) for *: '${typeName(value)}' and 'int'`);
  budget.list(items.length * times);
  const result: Value[] = [];
  for (let i = 0; i < times; i++) result.push(...items);
  return Array.isArray(value) ? result : new Tuple(result);
}

function calculate(operator: string, x: number, y: number, float: boolean): Value {
  const number = (value: number) => (float ? new Float(value) : value);
  if (y === 0 && ["/", "//", "%"].includes(operator)) fail("division by zero");
  switch (operator) {
    case "+":
      return number(x + y);
    case "-":
      return number(x - y);
    case "*":
      return number(x * y);
    case "/":
      return new Float(x / y);
    case "//":
      return number(Math.floor(x / y));
    case "%":
      return number(x - y * Math.floor(x / y));
    default: {
      const power = x ** y;
      if (!Number.isFinite(power)) fail("the result of ** is too large");
      return y < 0 ? new Float(power) : number(power);
    }
  }
}

/** len(). */
export function lengthOf(value: Value): number {
  if (typeof value === "string") return characterCount(value);
  if (value instanceof Markup) return lengthOf(value.text);
  if (value instanceof Map) return value.size;
  if (value instanceof Undefined) return 0;
  if (value instanceof Namespace) return fail("object of type 'Namespace' has no len()");
  return sequence(value)?.length ?? fail(`object of type '${typeName(value)}' has no len()`);
}
