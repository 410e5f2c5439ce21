import type { OptionKind } from "./option-kinds.js";

/** An option, declared once: checks, types, flags, help and the tables in the docs come from here. */
export interface DeclaredOption<V = unknown> {
  readonly kind: OptionKind<V>;
  /** One line. */
  readonly help: string;
  /** What holds where it is not given. Undefined: `without` says it. */
  readonly fallback?: V;
  /** What holds where it is not given, in words, where no value of the option says it. */
  readonly without?: string;
}

/** An option with a value that holds where it is not given. */
export function option<V>(
  kind: OptionKind<V>,
  help: string,
  fallback: NoInfer<V>,
): DeclaredOption<V> & { readonly fallback: V } {
  return { kind, help, fallback };
}

/** An option without such a value. @param without what holds then, in words */
export function optional<V>(kind: OptionKind<V>, help: string, without?: string): DeclaredOption<V> {
  return { kind, help, ...(without !== undefined && { without }) };
}

/** Declarations by name. */
export type Declarations = Readonly<Record<string, DeclaredOption>>;

/** A declaration for every property of T, of the property's type: the compiler asks for it. */
export type DeclarationsOf<T> = { readonly [Name in keyof Required<T>]: DeclaredOption<NonNullable<T[Name]>> };

/** What an option of this declaration takes. */
export type ValueOf<O> = O extends DeclaredOption<infer V> ? V : never;

/** The options that these declarations describe. */
export type OptionsOf<D> = { -readonly [Name in keyof D]?: ValueOf<D[Name]> };

type Fallbacks<D> = {
  -readonly [Name in keyof D as D[Name] extends { readonly fallback: unknown } ? Name : never]: ValueOf<D[Name]>;
};

/** What holds where nothing is given, of the options for which a value is declared. */
export function fallbacksOf<D extends Declarations>(declared: D): Fallbacks<D> {
  const entries = Object.entries(declared).filter(([, { fallback }]) => fallback !== undefined);
  return Object.fromEntries(entries.map(([name, { fallback }]) => [name, fallback])) as Fallbacks<D>;
}
