import { readFileSync } from "node:fs";
import ts from "typescript";
import { describe, expect, expectTypeOf, test } from "vitest";
import { GENERATE_OPTIONS } from "../../../src/api/generate-options.js";
import { LOAD_OPTIONS } from "../../../src/api/load-options.js";
import { OUTPUT_OPTIONS } from "../../../src/api/output-options.js";
import { type CommonSpeculationOptions, REQUEST_OPTIONS } from "../../../src/api/speculation-options.js";
import { flagOf } from "../../../src/cli/flag-names.js";
import type { ChatTemplateOptions, GenerateOptions, LoadOptions } from "../../../src/index.js";
import { SAMPLING_OPTIONS } from "../../../src/sampling/sampling-options.js";
import { CHAT_OPTIONS } from "../../../src/tokenizer/chat-options.js";
import type { Declarations, DeclaredOption, OptionsOf } from "../../../src/types/option-declaration.js";

/** What an option is without being given, as the pages and docstrings say it. */
const withoutIt = ({ fallback, without }: DeclaredOption) =>
  fallback === undefined ? (without ?? "none") : JSON.stringify(fallback);

const TABLES: Readonly<Record<string, Declarations>> = {
  Sampling: SAMPLING_OPTIONS,
  "Limits and output": OUTPUT_OPTIONS,
  Speculation: REQUEST_OPTIONS,
  Loading: LOAD_OPTIONS,
};

/** The cells of the first table below a heading of the page. */
function tableBelow(page: string, heading: string): string[][] {
  const [, section = ""] = readFileSync(page, "utf8").split(`\n## ${heading}\n`);
  const lines = section.split("\n").slice(section.split("\n").findIndex((line) => line.startsWith("|")) + 2);
  const end = lines.findIndex((line) => !line.startsWith("|"));
  return lines.slice(0, end).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test.each(Object.entries(TABLES))("the page's table of options of %s is what is declared", (heading, declared) => {
  const rows = Object.entries(declared).map(([name, option]) => {
    const flag = flagOf(name);
    const value = option.fallback === undefined ? withoutIt(option) : `\`${withoutIt(option)}\``;
    const cells = [`\`${name}\``, flag ? `\`--${flag}\`` : "", option.kind.expected(undefined), value, option.help];
    return cells.map((cell) => cell.replaceAll("|", "\\|"));
  });
  expect(tableBelow("docs/generate-options.md", heading)).toEqual(rows);
});

test("the page of chat templates has a row for each option, with its flag", () => {
  const rows = readFileSync("docs/chat-templates.md", "utf8").split("\n");
  for (const name of Object.keys(CHAT_OPTIONS)) {
    expect(
      rows.filter((row) => row.startsWith(`| \`${name}\` `)),
      name,
    ).toHaveLength(1);
    const flag = flagOf(name);
    if (flag) expect(rows.join("\n")).toContain(`--${flag}`);
  }
});

/** Docstrings by the property's name. */
function docstrings(file: string, interfaceName: string): Map<string, string> {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true);
  const found = source.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === interfaceName);
  const said = (node: ts.Node) =>
    ts
      .getJSDocCommentsAndTags(node)
      .map((comment) => comment.getText())
      .join(" ");
  const words = (node: ts.Node) => said(node).replace(/\s*\n\s*\*?\s*/g, " ");
  return new Map((found as ts.InterfaceDeclaration).members.map((node) => [node.name!.getText(), words(node)]));
}

const INTERFACES: [name: string, file: string, declared: Declarations][] = [
  ["SamplingParams", "src/types/sampling-params.ts", SAMPLING_OPTIONS],
  ["SamplingOptions", "src/sampling/sampling-options.ts", SAMPLING_OPTIONS],
  ["OutputOptions", "src/api/output-options.ts", OUTPUT_OPTIONS],
  ["GenerateOptions", "src/api/generate-options.ts", GENERATE_OPTIONS],
  ["CommonSpeculationOptions", "src/api/speculation-options.ts", REQUEST_OPTIONS],
  ["LoadOptions", "src/api/load-options.ts", LOAD_OPTIONS],
  ["ChatTemplateOptions", "src/tokenizer/chat-message.ts", CHAT_OPTIONS],
];

test.each(INTERFACES)("docstrings of %s name the declared defaults", (name, file, declared) => {
  const docs = docstrings(file, name);
  expect(docs.size).toBeGreaterThan(0);
  for (const [property, doc] of docs) {
    if (!Object.hasOwn(declared, property)) continue;
    const value = withoutIt(declared[property]);
    const said = [`Default ${value}`, `Default: ${value}`, `${value} (default`].some((words) => doc.includes(words));
    expect(said, `${property}, ${value}: ${doc}`).toBe(true);
  }
});

describe.each(Object.entries({ ...TABLES, "the chat template": CHAT_OPTIONS, generate: GENERATE_OPTIONS }))(
  "options of %s",
  (_, declared) => {
    test("have defaults that they take", () => {
      for (const [name, { fallback, kind }] of Object.entries(declared)) {
        if (fallback !== undefined) expect(kind.accepts(fallback), name).toBe(true);
      }
    });
  },
);

test("declarations have the types of the interfaces", () => {
  // Both ways: the declarations' own check finds types that are too wide, not those that are too narrow.
  expectTypeOf<OptionsOf<typeof GENERATE_OPTIONS>>().toEqualTypeOf<NotNull<GenerateOptions>>();
  expectTypeOf<OptionsOf<typeof LOAD_OPTIONS>>().toEqualTypeOf<NotNull<LoadOptions>>();
  expectTypeOf<OptionsOf<typeof CHAT_OPTIONS>>().toEqualTypeOf<NotNull<ChatTemplateOptions>>();
  expectTypeOf<OptionsOf<typeof REQUEST_OPTIONS>>().toEqualTypeOf<
    NotNull<Omit<CommonSpeculationOptions, "partOptions">>
  >();
});

type NotNull<T> = { [Name in keyof T]?: NonNullable<T[Name]> };
