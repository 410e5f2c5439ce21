import { describe, expect, test } from "vitest";
import {
  LookupCorpus,
  loadModel,
  type Method,
  methods,
  searchTree,
  selectDraftModel,
  UsageError,
} from "../../../src/index.js";

/** Any way to call it. */
type Loose = (...args: unknown[]) => unknown;

const source = { names: () => [], info: () => undefined, readRows: async () => {}, digest: async () => "" };
const method: Method = {
  ...{ name: "m", summary: "", options: [], available: () => true },
  create: () => {
    throw new Error("it is never made");
  },
};

/** Calls with nothing, null, or something else, and what is said: one line, with what was expected. */
const calls: [name: string, call: Loose, given: unknown[][], says: string][] = [
  ["loadModel", loadModel as Loose, [[], [null], ["models/target"], [{}]], "loadModel takes a source of tensors ("],
  ["loadModel with a source", loadModel as Loose, [[source], [source, null], [source, {}]], "takes a ModelConfig as"],
  ["selectDraftModel", selectDraftModel as Loose, [[], [null], ["7B"], [{}, []]], "selectDraftModel needs a target {"],
  [
    "selectDraftModel with a target",
    (...args) => (selectDraftModel as Loose)({ name: "t", parameters: "7B" }, ...args),
    [[], [null], ["1B"], [[null]], [["1B"]]],
    "selectDraftModel needs a list of candidates {",
  ],
  [
    "searchTree",
    searchTree as Loose,
    [[], [null], [[]], [[0.5], 1], [[null], 1], [[["0.5"]], 1]],
    "needs accuracies in",
  ],
  [
    "searchTree with accuracies",
    searchTree as Loose,
    [[[[0.5]]], [[[0.5]], null], [[[0.5]], "1"]],
    "has 1 to 1 nodes, got",
  ],
  [
    "LookupCorpus",
    (...args) => Reflect.construct(LookupCorpus, args),
    [[], [null], [5], ["some text"], [["a"]], [[1.5]], [[-1]]],
    "a LookupCorpus is made of a list of token ids",
  ],
  [
    "methods.register",
    (...args) => (methods.register as Loose).apply(methods, args),
    [[], [null], ["ngram"], [{}], [{ ...method, name: "auto" }], [{ ...method, options: undefined }]],
    "methods.register takes a method { name,",
  ],
];

describe.each(calls)("%s", (_, call, given, says) => {
  test.each(given.map((args) => [args]))("says what it expects, given %j", async (args) => {
    const error = await Promise.resolve()
      .then(() => call(...args))
      .then(
        () => expect.fail("it was taken"),
        (reason) => reason,
      );
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(says);
    expect(error.message).not.toContain("\n");
  });
});

test("nothing of it was registered", () => {
  expect(methods.all.map(({ name }) => name)).not.toContain("m");
});
