import { nearest, UsageError } from "./errors.js";
import type { DeclaredOption } from "./option-declaration.js";
import type { OptionKind } from "./option-kinds.js";
import { shown } from "./shown.js";

/**
 * Every option of an object with what it takes, or with its declaration: the compiler asks for one line for each property
 * of T.
 */
export type OptionTable<T> = { readonly [Name in keyof Required<T>]: OptionKind | DeclaredOption };

/** What is said about an option that a table does not have. */
export interface OptionNames {
  /** Whose options they are, e.g. "fromPretrained". */
  of?: string;
  /** Other names that users know, lower case without separators, and ours. */
  aliases?: Readonly<Record<string, string>>;
  /** What to do about names that belong elsewhere. */
  elsewhere?: (name: string) => string | undefined;
}

/**
 * Checks an object of options against its table. null and undefined mean that an option is not given.
 * @returns a copy with the options that are given
 * @throws UsageError naming the first option that is unknown or of the wrong shape
 */
export function checkOptions<T>(table: OptionTable<T>, given: unknown, names: OptionNames = {}): Partial<T> {
  const options = givenOptions(given, names.of);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(table, name)) throw new UsageError(unknownOption(name, Object.keys(table), names));
    const entry = table[name as keyof OptionTable<T>];
    checkOption(name, value, "kind" in entry ? entry.kind : entry);
  }
  return options as Partial<T>;
}

/** The options that are neither null nor undefined. @throws UsageError for what is no object of options */
export function givenOptions(given: unknown, of?: string): Record<string, unknown> {
  if (given === undefined || given === null) return {};
  const plain = typeof given === "object" && !Array.isArray(given) && !(Symbol.iterator in given);
  if (!plain) throw new UsageError(`${of ? `options of ${of}` : "options"} must be an object, got ${shown(given)}`);
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== null));
}

/** @throws UsageError when the value is not what the option takes */
export function checkOption(name: string, value: unknown, kind: OptionKind): void {
  if (kind.accepts(value)) return;
  const hint = kind.hint?.(value);
  const message = kind.refuse?.(name, value) ?? `${name} must be ${kind.expected(value)}, got ${shown(value)}`;
  throw new UsageError(`${message}${hint ? `: ${hint}` : ""}`, { option: name });
}

/** "unknown option ..., did you mean ...": by other names that users know, then by edit distance. */
export function unknownOption(name: string, known: readonly string[], names: OptionNames = {}): string {
  const what = `unknown option ${shown(name)}${names.of ? ` of ${names.of}` : ""}`;
  const elsewhere = names.elsewhere?.(name);
  if (elsewhere) return `${what}: ${elsewhere}`;
  const guess = guessName(name, known, names.aliases);
  if (guess) return `${what}. Did you mean "${guess}"?`;
  return known.length <= LISTED ? `${what}, expected one of: ${known.join(", ")}` : what;
}

/** The known name that is meant: the same but for case and separators, an alias, or the nearest by edit distance. */
export function guessName(
  name: string,
  known: readonly string[],
  aliases: Readonly<Record<string, string>> = {},
): string | undefined {
  const plain = plainName(name);
  const same = known.find((candidate) => plainName(candidate) === plain);
  if (same) return same;
  const alias = Object.hasOwn(aliases, plain) ? aliases[plain] : undefined;
  return alias !== undefined && known.includes(alias) ? alias : nearest(name, known);
}

/** Without what naming conventions differ in: "top_p", "--top-p" and "topP" are one. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/[-_.]/g, "");
}

/** Errors list the known names when they are so few. */
const LISTED = 12;
