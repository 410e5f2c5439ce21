import type { Budget } from "./budget.js";
import { compare, contains, equal } from "./operators.js";
import { fail } from "./template-error.js";
import { str } from "./text.js";
import { Callable, Float, Generator, numeric, plain, sequence, typeName, Undefined, type Value } from "./values.js";

type Test = (value: Value, other: Value, budget: Budget) => boolean;

const order = (operator: string, holds: (sign: number) => boolean): Test => {
  return (value, other, budget) => holds(compare(value, other, budget, operator));
};
const greater = order(">", (sign) => sign > 0);
const atLeast = order(">=", (sign) => sign >= 0);
const less = order("<", (sign) => sign < 0);
const atMost = order("<=", (sign) => sign <= 0);
const same: Test = (value, other, budget) => equal(value, other, budget);
const different: Test = (value, other, budget) => !equal(value, other, budget);

/** What stands after `is`. */
const TESTS: Record<string, Test> = {
  boolean: (value) => typeof value === "boolean",
  callable: (value) => value instanceof Callable || value instanceof Undefined,
  defined: (value) => !(value instanceof Undefined),
  divisibleby: (value, other) => remainder(value, other) === 0,
  eq: same,
  equalto: same,
  "==": same,
  escaped: () => false,
  even: (value) => remainder(value, 2) === 0,
  false: (value) => value === false,
  float: (value) => value instanceof Float,
  ge: atLeast,
  ">=": atLeast,
  greaterthan: greater,
  gt: greater,
  ">": greater,
  in: (value, other, budget) => contains(other, value, budget),
  integer: (value) => typeof value === "number",
  iterable: (value) => value instanceof Generator || value instanceof Undefined || isSequence(value),
  le: atMost,
  "<=": atMost,
  lessthan: less,
  lower: (value, _, budget) => hasCase(str(value, budget), "toLowerCase"),
  lt: less,
  "<": less,
  mapping: (value) => value instanceof Map,
  ne: different,
  "!=": different,
  none: (value) => value === null,
  number: (value) => numeric(value) !== undefined,
  odd: (value) => remainder(value, 2) === 1,
  sameas: (value, other) => value === other,
  sequence: (value) => value instanceof Undefined || isSequence(value),
  string: (value) => typeof value === "string",
  true: (value) => value === true,
  undefined: (value) => value instanceof Undefined,
  upper: (value, _, budget) => hasCase(str(value, budget), "toUpperCase"),
};

/** Tests that compare with a value of theirs. */
const BINARY = /^(divisibleby|in|sameas|eq|equalto|ne|[gl][te]|greaterthan|lessthan|[=!<>]=|[<>])$/;

/** @throws TemplateError when there is no such test */
export function applyTest(name: string, value: Value, args: readonly Value[], budget: Budget): boolean {
  if (!Object.hasOwn(TESTS, name)) fail(`No test named '${name}'.`);
  const wanted = BINARY.test(name) ? 1 : 0;
  if (args.length !== wanted) fail(`the test '${name}' takes ${wanted} argument${wanted === 1 ? "" : "s"}`);
  budget.step();
  return TESTS[name](plain(value), plain(args[0] ?? null), budget);
}

function isSequence(value: Value): boolean {
  return typeof value === "string" || value instanceof Map || sequence(value) !== undefined;
}

function remainder(value: Value, divisor: Value): number {
  if (value instanceof Undefined) fail(value.hint);
  const [x, y] = [numeric(value), numeric(divisor)];
  if (x === undefined || y === undefined) return fail(`'${typeName(value)}' is no number`);
  if (y === 0) fail("division by zero");
  return x - y * Math.floor(x / y);
}

function hasCase(text: string, change: "toLowerCase" | "toUpperCase"): boolean {
  return text === text[change]() && text.toLowerCase() !== text.toUpperCase();
}
