import type { Declarations, DeclaredOption, OptionsOf } from "../types/option-declaration.js";
import { type Arguments, type Flag, type Flags, numberFlag, stringFlag } from "./command.js";

/** How a command line says an option, where that does not follow from the declaration. */
export interface FlagForm {
  /** The flag's name, where it is not the option's. */
  flag?: string;
  short?: string;
  /** What stands after the flag in help. An option that takes objects has a flag only where this is said. */
  value?: string;
  /** Stands before the help, e.g. whose option it is. */
  before?: string;
  /** In place of the declaration's words. */
  help?: string;
  /** In place of the declaration's words for what holds without it. */
  without?: string;
  /** May be given several times. */
  multiple?: boolean;
  /** Makes the option's value of the text. Without it an option that takes objects is left to the command. */
  read?: (text: string) => unknown;
}

/** The flags of a table of options. */
export interface OptionFlags<D> {
  readonly flags: Flags;
  /** The flag of an option by the option's name, without dashes; undefined for an option that has none. */
  flagOf(name: string): string | undefined;
  /** The options that the command line gives. Ranges are checked where the options are used. */
  read(args: Arguments): OptionsOf<D>;
}

/**
 * A flag for each option of a table, in its order.
 * @param forms what differs from the declarations; false: no flag
 */
export function optionFlags<D extends Declarations>(
  declared: D,
  forms: { readonly [Name in keyof D]?: FlagForm | false } = {},
): OptionFlags<D> {
  const said = Object.entries(declared).flatMap(([name, option]): Said[] => {
    const form = forms[name] ?? {};
    if (form === false || (option.kind.type === "object" && form.value === undefined)) return [];
    return [{ name, option, form, flag: form.flag ?? flagName(name, option) }];
  });
  const byName = new Map(said.map(({ name, flag }) => [name, flag]));
  return {
    flags: Object.fromEntries(said.map((each) => [each.flag, flagFor(each)])),
    flagOf: (name) => byName.get(name),
    read: (args) => Object.fromEntries(said.map((each) => [each.name, valueFor(each, args)])) as OptionsOf<D>,
  };
}

/** "maxNgram" -> "max-ngram" */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export function numbers(text: string): number[] {
  return text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
}

interface Said {
  name: string;
  option: DeclaredOption;
  form: FlagForm;
  flag: string;
}

const VALUES = { integer: "N", number: "P", choice: "NAME", text: "TEXT", list: "LIST", object: undefined };

/** What is true unless told otherwise gets a "no-" before it. */
function flagName(name: string, { fallback }: DeclaredOption): string {
  return fallback === true ? `no-${kebab(name)}` : kebab(name);
}

function flagFor({ option: { kind, help, fallback, without }, form }: Said): Flag {
  const text = `${form.before ?? ""}${form.help ?? (fallback === true ? `do not ${help}` : help)}`;
  if (kind.type === "boolean") return { type: "boolean", help: text };
  const notes = [
    kind.choices && kind.choices.length > 1 && kind.choices.join(", "),
    defaultWords(form.without ?? without, fallback),
  ].filter(Boolean);
  return {
    type: "string",
    ...(form.short && { short: form.short }),
    ...(form.multiple && { multiple: true }),
    value: form.value ?? VALUES[kind.type],
    help: notes.length > 0 ? `${text} (${notes.join("; ")})` : text,
  };
}

function defaultWords(without: string | undefined, fallback: unknown): string | undefined {
  if (without !== undefined) return `default: ${without}`;
  return typeof fallback === "number" || typeof fallback === "string" ? `default ${fallback}` : undefined;
}

function valueFor({ option: { kind, fallback }, form: { read }, flag }: Said, args: Arguments): unknown {
  const given = args.flags[flag];
  if (given === undefined) return undefined;
  if (kind.type === "boolean") return fallback !== true;
  if (read) return Array.isArray(given) ? given.map((text) => read(String(text))) : read(String(given));
  if (kind.type === "integer" || kind.type === "number") return numberFlag(args, flag);
  if (kind.type === "list") return numbers(String(given));
  return kind.type === "object" ? undefined : stringFlag(args, flag);
}
