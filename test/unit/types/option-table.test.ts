import { expect, test } from "vitest";
import { OPTION_ALIASES } from "../../../src/types/option-aliases.js";
import {
  abortSignal,
  boolean,
  choice,
  integer,
  listOf,
  number,
  type OptionKind,
  text,
} from "../../../src/types/option-kinds.js";
import { checkOption, checkOptions, guessName } from "../../../src/types/option-table.js";
import { escaped, shown } from "../../../src/types/shown.js";

/** Kind, values that it takes, values that it does not. */
const kinds: [kind: OptionKind, right: unknown[], wrong: unknown[]][] = [
  [integer(1, 8), [1, 8], [0, 9, 1.5, "3", Number.NaN, Number.POSITIVE_INFINITY, true, 3n, [3], new Number(3)]],
  [integer(0), [0, 2 ** 53 - 1], [2 ** 53, -1, ""]],
  [number("(0, 1]"), [1e-300, 1], [0, 1.1, "0.9", Number.NaN]],
  [number("[0, 1)"), [0, 0.5], [1, -1e-9]],
  [number("> 0"), [5e-324, 1e300], [0, Number.POSITIVE_INFINITY]],
  [number(">= 0"), [0], [-1e-300]],
  [number(), [-1e300], [Number.NEGATIVE_INFINITY, "1", null]],
  [boolean(), [true, false], [0, 1, "true", new Boolean(true)]],
  [text(), ["", "a"], [/a/, 5, ["a"]]],
  [choice(["q8", "q4"]), ["q8"], ["Q8", 8, ["q8"], "toString"]],
  [listOf(integer(0), "token ids"), [[], [1, 2]], [5, [1, "2"], new Array(2), { length: 0 }, new Int32Array(2)]],
  [abortSignal(), [AbortSignal.timeout(1e6)], [{}, new AbortController(), { aborted: false }, () => {}]],
];

test.each(kinds.map(([kind, right, wrong]) => ({ says: kind.expected(undefined), kind, right, wrong })))(
  "$says",
  ({ kind, right, wrong }) => {
    for (const value of right) expect(() => checkOption("it", value, kind), shown(value)).not.toThrow();
    for (const value of wrong) expect(() => checkOption("it", value, kind), shown(value)).toThrow(/^(it|unknown it) /);
  },
);

test("what to do is part of the message", () => {
  expect(() => checkOption("topP", "0.9", number("(0, 1]"))).toThrow(
    'topP must be a number in (0, 1], got "0.9": give a number, not text',
  );
  expect(() => checkOption("signal", new AbortController(), abortSignal())).toThrow("give the controller's signal");
  expect(() => checkOption("dtype", "Float-32", choice(["fp32"], { float32: 'use "fp32"' }))).toThrow('use "fp32"');
  expect(() => checkOption("match", "frequnt", choice(["latest", "frequent"]))).toThrow('Did you mean "frequent"?');
});

test("null and undefined are not given; other things are no options", () => {
  const table = { a: integer(0), b: integer(0) };
  expect(checkOptions(table, { a: null, b: undefined })).toEqual({});
  expect(checkOptions(table, null)).toEqual({});
  expect(checkOptions(table, { a: 0, b: null })).toEqual({ a: 0 });
  for (const given of [5, "a", [], new Map([["a", 1]]), () => {}, true]) {
    expect(() => checkOptions(table, given, { of: "x" }), shown(given)).toThrow("options of x must be an object");
  }
  expect(() => checkOptions(table, JSON.parse('{"__proto__": 1, "c": 1}'))).toThrow("unknown option");
  expect(() => checkOptions(table, { toString: 1 })).toThrow('unknown option "toString", expected one of: a, b');
});

test("names of other libraries, other cases, slips of the hand", () => {
  const known = ["stopStrings", "maxNewTokens", "numReturnSequences", "topP", "temperature"];
  const guesses = { stop: 0, max_tokens: 1, max_new_tokens: 1, maxTokens: 1, n: 2, top_p: 3, temprature: 4, temp: 4 };
  for (const [name, index] of Object.entries(guesses)) {
    expect(guessName(name, known, OPTION_ALIASES), name).toBe(known[index]);
  }
  expect(guessName("constructor", known, OPTION_ALIASES)).toBeUndefined();
});

test("values are shown on one short line that a terminal does not obey", () => {
  const circular: unknown[] = [];
  circular.push(circular);
  const deep = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`);
  const values = [
    "a\u001b[31m\n\u202eb",
    "x".repeat(1e6),
    circular,
    deep,
    { big: 1n },
    5n,
    Symbol("s"),
    /\n/,
    new Map(),
  ];
  for (const value of [...values, Promise.resolve(), new Error("a\nb"), Object.create(null), Number.NaN]) {
    expect(shown(value)).toMatch(/^[\x20-\x7e]{1,90}$/);
  }
  expect(escaped("\u009bK\u200b\ud800")).toBe("\\u009bK\\u200b\\ud800");
  expect(shown([1, Number.NaN, undefined])).toBe("[1, NaN, undefined]");
});
