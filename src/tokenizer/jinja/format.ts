import type { Budget } from "./budget.js";
import { fail } from "./template-error.js";
import { floatText, repr, str } from "./text.js";
import { characterCount, characters } from "./unicode.js";
import { Float, type Keywords, numeric, Tuple, toKey, typeName, type Value } from "./values.js";

/** How a field looks up ".name" and "[key]" of a value: as expressions do. */
export type Lookup = (value: Value, key: Value, computed: boolean) => Value;

const FIELD = /\{\{|\}\}|\{([^{}!:]*)(?:!([rs]))?(?::([^{}]*))?\}|[{}]/g;

/** str.format. */
export function braceFormat(text: string, args: Value[], keywords: Keywords, lookup: Lookup, budget: Budget): string {
  let automatic = 0;
  budget.read(text.length);
  return text.replace(FIELD, (match, name: string | undefined, conversion?: string, spec = "") => {
    if (match === "{{" || match === "}}") return match[0];
    if (name === undefined) return fail(`'${match}' stands alone in a text for format()`);
    const [, first, rest] = /^([^.[]*)(.*)$/s.exec(name)!;
    const position = first === "" ? automatic++ : /^\d+$/.test(first) ? Number(first) : undefined;
    let value = position === undefined ? keywords.get(first) : args[position];
    if (value === undefined) fail(`format() was given no argument '${first || position}'`);
    for (const [, attribute, key] of rest.matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
      value = lookup(value!, attribute ?? (/^\d+$/.test(key) ? Number(key) : key), attribute === undefined);
    }
    const result = conversion === "r" ? repr(value!, budget) : conversion === "s" ? str(value!, budget) : value!;
    return formatValue(result, spec, budget);
  });
}

const SPEC = /^(?:(.)?([<>=^]))?([+ -])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/su;

/** format(value, spec): fill, alignment, sign, width, precision and type. */
export function formatValue(value: Value, spec: string, budget: Budget): string {
  if (spec === "") return str(value, budget);
  const parts = SPEC.exec(spec) ?? fail(`invalid format specifier '${spec}'`);
  const [, fill, align, sign = "-", , zero, width = "0", group, precision, type] = parts;
  const number = numeric(value);
  if (Math.max(Number(width), Number(precision ?? 0)) > 10_000) fail(`format specifier '${spec}' is too wide`);
  let body: string;
  let lead = "";
  if (number === undefined || (typeof value === "boolean" && !type)) {
    body = str(value, budget);
    if (type && type !== "s") fail(`unknown format code '${type}' for a ${typeName(value)}`);
    if (precision !== undefined) body = characters(body).slice(0, Number(precision)).join("");
  } else {
    body = numberBody(number, value instanceof Float, type, precision);
    if (group) body = body.replace(/^\d+/, (digits) => digits.replace(/\B(?=(\d{3})+$)/g, group));
    lead = number < 0 ? "-" : sign === "-" ? "" : sign;
  }
  const gap = Math.max(0, Number(width) - characterCount(lead + body));
  const [side, padding] = [align ?? (zero ? "=" : number === undefined ? "<" : ">"), fill ?? (zero ? "0" : " ")];
  budget.text(gap + body.length);
  if (side === "=") return lead + padding.repeat(gap) + body;
  const before = side === ">" ? gap : side === "^" ? gap >> 1 : 0;
  return padding.repeat(before) + lead + body + padding.repeat(gap - before);
}

/** A number's digits, without its sign. */
function numberBody(number: number, float: boolean, type: string | undefined, precision?: string): string {
  const size = Math.abs(number);
  const digits = Math.min(100, Number(precision ?? 6));
  const bases: Record<string, number> = { b: 2, o: 8, x: 16, X: 16 };
  if (type && bases[type]) return type === "X" ? size.toString(16).toUpperCase() : size.toString(bases[type]);
  if (type === "f" || type === "F") return fixed(size, digits);
  if (type === "%") return `${fixed(size * 100, digits)}%`;
  if (type === "e" || type === "E") return size.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2");
  if (type === "g" || (!type && precision !== undefined)) {
    return floatText(Number(size.toPrecision(Math.max(1, digits)))).replace(/\.0$/, "");
  }
  if (type && type !== "d" && type !== "n") fail(`unknown format code '${type}' for a number`);
  return float ? floatText(size) : String(size);
}

/** toFixed with Python's rounding: what lies exactly between two goes to the even one. */
export function fixed(value: number, digits: number): string {
  const exact = value.toFixed(Math.min(100, digits + 30));
  const text = value.toFixed(digits);
  if (/[e]/.test(exact) || digits + 30 > 100 || !/^50*$/.test(exact.slice(-30))) return text;
  const below = exact.slice(0, -30).replace(/\.$/, "");
  return /[02468]$/.test(below) ? below : text;
}

const PERCENT = /%(?:\(([^)]*)\))?([-+ 0#]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g;

/** text % values. */
export function percentFormat(text: string, values: Value, budget: Budget): string {
  const items = values instanceof Tuple ? values.items : [values];
  let next = 0;
  budget.read(text.length);
  const result = text.replace(PERCENT, (_, key: string | undefined, flags: string, width = "", precision, type) => {
    if (type === "%") return "%";
    let value: Value | undefined;
    if (key === undefined) value = items[next++];
    else if (values instanceof Map) value = values.get(toKey(key));
    if (value === undefined) return fail("not enough arguments for format string");
    if (type === "s" || type === "r") value = type === "s" ? str(value, budget) : repr(value, budget);
    else if (numeric(value) === undefined) return fail(`%${type} needs a number, not ${typeName(value)}`);
    else if (/[diu]/.test(type)) value = Math.trunc(numeric(value)!);
    const align = flags.includes("-") ? "<" : typeof value === "string" ? ">" : "";
    const sign = flags.includes("+") ? "+" : "";
    const zero = flags.includes("0") && !align ? "0" : "";
    const code = /[diursS]/.test(type) ? "" : type;
    return formatValue(value, `${align}${sign}${zero}${width}${precision ? `.${precision}` : ""}${code}`, budget);
  });
  if (!(values instanceof Map) && next < items.length) fail("not all arguments converted during string formatting");
  return result;
}
