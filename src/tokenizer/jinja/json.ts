import type { Budget } from "./budget.js";
import { fail } from "./template-error.js";
import { floatText, integerText } from "./text.js";
import { Float, type Key, Markup, sequence, typeName, Undefined, type Value } from "./values.js";

export interface JsonStyle {
  ensureAscii: boolean;
  /** Spaces, or a text, at the beginning of lines; undefined: all on one line. */
  indent?: number | string;
  separators?: readonly [item: string, key: string];
  sortKeys: boolean;
}

/** Python's json.dumps, as transformers' `tojson` calls it. */
export function json(value: Value, style: JsonStyle, budget: Budget, depth = 0): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return integerText(value);
  if (value instanceof Float) return Number.isFinite(value.value) ? floatText(value.value) : notFinite(value.value);
  if (typeof value === "string") return jsonString(value, style, budget);
  if (value instanceof Markup) return jsonString(value.text, style, budget);
  const items = sequence(value);
  if (!items && !(value instanceof Map)) {
    fail(value instanceof Undefined ? value.hint : `a ${typeName(value)} cannot be written as JSON`);
  }
  budget.enter();
  const [comma, colon] = style.separators ?? [style.indent === undefined ? ", " : ",", ": "];
  let parts: string[];
  if (items) {
    parts = items.map((item) => json(item, style, budget, depth + 1));
  } else {
    const entries = [...(value as Map<Key, Value>)];
    if (style.sortKeys) entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
    parts = entries.map(
      ([key, item]) => `${jsonString(jsonKey(key), style, budget)}${colon}${json(item, style, budget, depth + 1)}`,
    );
  }
  budget.leave();
  const [open, close] = items ? "[]" : "{}";
  if (parts.length === 0) return open + close;
  const lead = style.indent === undefined ? 0 : typeof style.indent === "number" ? style.indent : style.indent.length;
  const content = parts.reduce((sum, part) => sum + part.length + comma.length, 2);
  budget.text(content + (parts.length + 1) * (1 + Math.max(0, lead) * (depth + 1)));
  if (style.indent === undefined) return open + parts.join(comma) + close;
  const unit = typeof style.indent === "number" ? " ".repeat(Math.max(0, style.indent)) : style.indent;
  const line = `\n${unit.repeat(depth + 1)}`;
  return `${open}${line}${parts.join(comma + line)}\n${unit.repeat(depth)}${close}`;
}

function notFinite(value: number): string {
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

function jsonKey(key: Key): string {
  if (typeof key === "number") return Number.isInteger(key) ? integerText(key) : floatText(key);
  return String(key);
}

function jsonString(text: string, { ensureAscii }: JsonStyle, budget: Budget): string {
  budget.text(text.length);
  const quoted = JSON.stringify(text);
  if (!ensureAscii) return quoted;
  return quoted.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
