import type { Budget } from "./budget.js";
import { fail } from "./template-error.js";
import { characters } from "./unicode.js";
import { sequence, Tuple, typeName, Undefined, type Value } from "./values.js";

/** value[start:stop:step] of a text, list or tuple. */
export function slice(value: Value, start?: number, stop?: number, step = 1, budget?: Budget): Value {
  if (value instanceof Undefined) return fail(value.hint);
  if (step === 0) fail("slice step cannot be zero");
  const items: readonly Value[] | undefined = typeof value === "string" ? characters(value) : sequence(value);
  if (!items) return fail(`a ${typeName(value)} cannot be sliced`);
  budget?.list(items.length);
  const length = items.length;
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const bound = (at: number) => Math.min(high, Math.max(low, at < 0 ? at + length : at));
  const first = start === undefined ? (step > 0 ? low : high) : bound(start);
  const end = stop === undefined ? (step > 0 ? high : low) : bound(stop);
  const result: Value[] = [];
  for (let i = first; step > 0 ? i < end : i > end; i += step) result.push(items[i]);
  if (typeof value === "string") return result.join("");
  return Array.isArray(value) ? result : new Tuple(result);
}
