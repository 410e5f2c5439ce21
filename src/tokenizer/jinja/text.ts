import type { Budget } from "./budget.js";
import { Callable, Float, type Key, Markup, Namespace, sequence, typeName, Undefined, type Value } from "./values.js";

/** Python's str(): what a template prints. */
export function str(value: Value, budget: Budget): string {
  if (typeof value === "string") return value;
  if (value instanceof Undefined) return "";
  if (value instanceof Markup) return value.text;
  return repr(value, budget);
}

/** Python's repr(). */
export function repr(value: Value, budget: Budget): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return integerText(value);
  if (value instanceof Float) return floatText(value.value);
  if (typeof value === "string") return quote(value, budget);
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Markup) return `Markup(${quote(value.text, budget)})`;
  budget.enter();
  const items = sequence(value);
  let text: string;
  if (items) {
    const inner = joinAll(items, (item) => repr(item, budget), budget);
    text = Array.isArray(value) ? `[${inner}]` : `(${inner}${items.length === 1 ? "," : ""})`;
  } else if (value instanceof Map) {
    text = `{${joinAll([...value], ([key, item]) => `${repr(fromKey(key), budget)}: ${repr(item, budget)}`, budget)}}`;
  } else if (value instanceof Namespace) {
    text = `<Namespace ${repr(new Map(value.attributes), budget)}>`;
  } else if (value instanceof Callable) {
    text = `<function ${value.name}>`;
  } else {
    text = `<${typeName(value)}>`;
  }
  budget.leave();
  return text;
}

function joinAll<T>(items: readonly T[], one: (item: T) => string, budget: Budget): string {
  budget.step(items.length);
  const text = items.map(one).join(", ");
  budget.text(text.length);
  return text;
}

function fromKey(key: Key): Value {
  return typeof key === "number" && !Number.isInteger(key) ? new Float(key) : key;
}

export function integerText(value: number): string {
  return Math.abs(value) < 1e21 ? String(value) : BigInt(value).toString();
}

/** Python writes exponents from 1e16 and below 1e-4, with two digits. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [digits, exponent] = value.toExponential().split("e");
  const e = Number(exponent);
  if (e < -4 || e >= 16) return `${digits}e${e < 0 ? "-" : "+"}${String(Math.abs(e)).padStart(2, "0")}`;
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

function quote(text: string, budget: Budget): string {
  budget.text(text.length);
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const named: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", [mark]: `\\${mark}` };
  const escaped = text.replace(/[\\'"]|(?! )[\p{C}\p{Z}]/gu, (character) => {
    if (named[character] !== undefined) return named[character];
    if (character === "'" || character === '"') return character;
    const code = character.codePointAt(0)!;
    const [letter, width] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
    return `\\${letter}${code.toString(16).padStart(width as number, "0")}`;
  });
  return mark + escaped + mark;
}
