import { expect, test } from "vitest";
import { type Command, commandHelp, parseCommandLine } from "../../src/cli/command.js";
import { optionFlags } from "../../src/cli/option-flags.js";
import { option, optional } from "../../src/types/option-declaration.js";
import { boolean, callback, choice, integer, listOf, number, text, value } from "../../src/types/option-kinds.js";

/** A table with an option of every kind, as a command would have it. */
const TABLE = {
  batchSize: option(integer(1), "tokens of a step", 1024),
  learningRate: optional(number("> 0"), "highest learning rate", "0.001, with muon 0.01"),
  optimiser: option(choice(["adamw", "muon"]), "what moves the weights", "adamw"),
  shuffle: option(boolean(), "change the order", true),
  sharedHead: option(boolean(), "share the base's product", false),
  layers: optional(listOf(integer(0), "layers"), "which layers"),
  name: optional(text(), "what it is called"),
  words: optional(
    value<string[]>("a list", () => true),
    "words",
  ),
  onProgress: optional(callback(), "told what goes on"),
  secret: option(integer(0), "nothing for a command line", 0),
};
const TRAINING = optionFlags(TABLE, {
  batchSize: { short: "b", value: "TOKENS" },
  name: { flag: "called", before: "medusa: " },
  words: { flag: "word", value: "WORD", multiple: true, read: (word) => word.toUpperCase() },
  secret: false,
});
const COMMAND: Command = {
  ...{ name: "t", summary: "", usage: "", words: 0, examples: [], run: async () => {} },
  flags: TRAINING.flags,
};
const read = (...argv: string[]) => {
  const given = Object.entries(TRAINING.read(parseCommandLine(COMMAND, argv)));
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
};

test("flags say what the declarations say", () => {
  const lines = commandHelp(COMMAND).split("Options:\n")[1].split("\n\n")[0];
  expect(lines).toMatchInlineSnapshot(`
    "  -b, --batch-size TOKENS  tokens of a step (default 1024)
      --learning-rate P        highest learning rate (default: 0.001, with muon 0.01)
      --optimiser NAME         what moves the weights (adamw, muon; default adamw)
      --no-shuffle             do not change the order
      --shared-head            share the base's product
      --layers LIST            which layers
      --called TEXT            medusa: what it is called
      --word WORD              words
      -h, --help               show this help"
  `);
});

test("what is read are the options", () => {
  expect(read()).toEqual({});
  expect(read("-b", "8", "--learning-rate", "-1e-3", "--optimiser", "muon", "--called", "5")).toEqual({
    ...{ batchSize: 8, learningRate: -0.001, optimiser: "muon", name: "5" },
  });
  expect(read("--no-shuffle", "--shared-head", "--layers", "1,3", "--word", "a", "--word", "b")).toEqual({
    ...{ shuffle: false, sharedHead: true, layers: [1, 3], words: ["A", "B"] },
  });
  expect(() => read("--batch-size", "many")).toThrow('--batch-size must be a number, got "many"');
  expect(() => read("--secret", "1")).toThrow("unknown flag --secret");
});

test("an option's flag is known by the option's name", () => {
  const flags = ["batchSize", "shuffle", "name", "words", "onProgress", "secret"].map(TRAINING.flagOf);
  expect(flags).toEqual(["batch-size", "no-shuffle", "called", "word", undefined, undefined]);
});
