import { nearest } from "./errors.js";
import { shown } from "./shown.js";

/** What values an option takes: said once, for the check, its message, and whatever is derived from it. */
export interface OptionKind<V = unknown> {
  /** Never there: it carries the TypeScript type of right values, from which types of options are derived. */
  readonly valueType?: V;
  readonly type: "integer" | "number" | "boolean" | "text" | "choice" | "list" | "object";
  /** Bounds of a number, both included unless `expected` says otherwise. */
  readonly min?: number;
  readonly max?: number;
  /** The values of a choice. */
  readonly choices?: readonly string[];
  /** Completes "NAME must be". */
  expected(value: unknown): string;
  accepts(value: unknown): boolean;
  /** What to do about a value that is often given by mistake. */
  hint?(value: unknown): string | undefined;
  /** Instead of "NAME must be ..., got ...". */
  refuse?(name: string, value: unknown): string;
}

const LARGEST = Number.MAX_SAFE_INTEGER;

export function integer(min: number, max = LARGEST): OptionKind<number> {
  const range = max < LARGEST ? `an integer from ${min} to ${max}` : `an integer from ${min}`;
  return {
    type: "integer",
    min,
    max,
    expected: () => (min === 0 && max === LARGEST ? "a non-negative integer" : range),
    accepts: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
    hint: numeral,
  };
}

/** A finite number of a range, such as "(0, 1]" or "> 0". */
export function number(range?: string): OptionKind<number> {
  const bounds = boundsOf(range);
  const expected = range === undefined ? "a finite number" : range.startsWith(">") ? range : `in ${range}`;
  return {
    type: "number",
    min: bounds.min,
    max: bounds.max,
    expected: (value) => (typeof value === "number" || range === undefined ? expected : `a number ${expected}`),
    accepts: (value) => typeof value === "number" && Number.isFinite(value) && bounds.hold(value),
    hint: numeral,
  };
}

/** The same, with words of its own for the range, e.g. "> 0 seconds". */
export function numberOf(range: string, expected: string): OptionKind<number> {
  const kind = number(range);
  return { ...kind, expected: (value) => (typeof value === "number" ? expected : `a number ${expected}`) };
}

export function boolean(): OptionKind<boolean> {
  return { type: "boolean", expected: () => "true or false", accepts: (value) => typeof value === "boolean" };
}

export function text(): OptionKind<string> {
  return { type: "text", expected: () => "text", accepts: (value) => typeof value === "string" };
}

/** @param hints what to do about other names that users know, without upper case, dashes, dots and underscores */
export function choice<const T extends string>(
  choices: readonly T[],
  hints: Readonly<Record<string, string>> = {},
): OptionKind<T> {
  const hint = (given: unknown) => {
    const name = typeof given === "string" ? given.toLowerCase().replace(/[-_. ]/g, "") : "";
    return Object.hasOwn(hints, name) ? hints[name] : undefined;
  };
  const expected = `one of: ${choices.join(", ")}`;
  return {
    type: "choice",
    choices,
    expected: () => expected,
    accepts: (given) => choices.includes(given as T),
    hint,
    refuse: (name, given) => {
      if (typeof given !== "string") return `${name} must be ${expected}; got ${shown(given)}`;
      const guess = hint(given) === undefined ? nearest(given, choices) : undefined;
      return `unknown ${name} ${shown(given)}, expected ${expected}${guess ? `. Did you mean "${guess}"?` : ""}`;
    },
  };
}

/** @param what the items in words, e.g. "token ids" */
export function listOf<V>(item: OptionKind<V>, what: string): OptionKind<readonly V[]> {
  const accepts = (value: unknown): value is unknown[] => Array.isArray(value) && everyItem(value, item.accepts);
  return { type: "list", expected: () => `a list of ${what}`, accepts };
}

/** Anything that passes the test. */
export function value<V = unknown>(
  expected: string,
  accepts: (value: unknown) => boolean,
  hint?: OptionKind["hint"],
): OptionKind<V> {
  return { type: "object", expected: () => expected, accepts, ...(hint && { hint }) };
}

export function callback<F>(): OptionKind<F> {
  return value("a function", (given) => typeof given === "function");
}

/** A function, or a list of some. */
export function functions<F>(): OptionKind<F | readonly F[]> {
  const isFunction = (given: unknown) => typeof given === "function";
  return value(
    "a function or a list of functions",
    (given) => isFunction(given) || (Array.isArray(given) && everyItem(given, isFunction)),
  );
}

export function abortSignal(): OptionKind<AbortSignal> {
  return value(
    "an AbortSignal",
    (given) => hasMethods(given, ["addEventListener", "throwIfAborted"]) && "aborted" in given,
    (given) => (given instanceof AbortController ? "give the controller's signal" : undefined),
  );
}

/** Whether every item passes; holes do not. */
export function everyItem(list: readonly unknown[], accepts: (item: unknown) => boolean): boolean {
  for (let i = 0; i < list.length; i++) if (!accepts(list[i])) return false;
  return true;
}

export function hasMethods(given: unknown, names: readonly string[]): given is object {
  if (typeof given !== "object" || given === null) return false;
  return names.every((name) => typeof (given as Record<string, unknown>)[name] === "function");
}

function numeral(given: unknown): string | undefined {
  if (typeof given !== "string" || given.trim() === "" || !Number.isFinite(Number(given))) return undefined;
  return "give a number, not text";
}

function boundsOf(range: string | undefined): { min?: number; max?: number; hold(value: number): boolean } {
  if (range === undefined) return { hold: () => true };
  const above = /^(>=?) (\S+)$/.exec(range);
  if (above) {
    const min = Number(above[2]);
    return { min, hold: (value) => (above[1] === ">" ? value > min : value >= min) };
  }
  const [, open, from, to, close] = /^([([])(.+), (.+)([)\]])$/.exec(range)!;
  const [min, max] = [Number(from), Number(to)];
  const hold = (value: number) =>
    (open === "(" ? value > min : value >= min) && (close === ")" ? value < max : value <= max);
  return { min, max, hold };
}
