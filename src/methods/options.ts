import { UsageError } from "../types/errors.js";
import { shown } from "../types/shown.js";

/** A method's own options, as the user gave them. */
export type MethodOptions = Readonly<Record<string, unknown>>;

/** The option as an integer in [min, max]. @throws UsageError naming it */
export function integerOption(options: MethodOptions, name: string, fallback: number, min: number, max: number) {
  const value = options[name] ?? fallback;
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw new UsageError(`${name} must be an integer from ${min} to ${max}, got ${shown(value)}`);
}

/** The option as true or false. @throws UsageError naming it */
export function booleanOption(options: MethodOptions, name: string, fallback: boolean): boolean {
  const value = options[name] ?? fallback;
  if (typeof value === "boolean") return value;
  throw new UsageError(`${name} must be true or false, got ${shown(value)}`);
}

/** The option as one of `known`. @throws UsageError naming it */
export function choiceOption<T extends string>(options: MethodOptions, name: string, known: readonly T[]): T {
  const value = options[name] ?? known[0];
  if (known.includes(value as T)) return value as T;
  throw new UsageError(`${name} must be one of: ${known.join(", ")}; got ${shown(value)}`);
}
