import type { Budget } from "./budget.js";
import { fail } from "./template-error.js";
import { str } from "./text.js";
import { type Keywords, numeric, plain, refuseUndefined, typeName, type Value } from "./values.js";

/** Arguments of a filter, method or function by the names of its parameters. */
export class Arguments {
  private readonly values: (Value | undefined)[];

  /** @throws TemplateError for too many arguments and for names that it does not have */
  constructor(
    private readonly callee: string,
    private readonly parameters: readonly string[],
    args: readonly Value[],
    keywords: Keywords,
    private readonly budget: Budget,
  ) {
    if (args.length > parameters.length) {
      fail(`${callee} takes at most ${parameters.length} argument${parameters.length === 1 ? "" : "s"}`);
    }
    this.values = parameters.map((_, i) => args[i]);
    for (const [name, value] of keywords) {
      const i = parameters.indexOf(name);
      if (i < 0) fail(`${callee} got an unexpected keyword argument '${name}'`);
      if (i < args.length) fail(`${callee} got multiple values for argument '${name}'`);
      this.values[i] = value;
    }
  }

  /** Undefined where it was not given. */
  value(name: string): Value | undefined {
    return this.values[this.parameters.indexOf(name)];
  }

  required(name: string): Value {
    const value = this.value(name);
    return value === undefined ? fail(`${this.callee} needs an argument '${name}'`) : value;
  }

  /** A text, undefined where None or nothing was given. */
  text(name: string): string | undefined {
    const given = this.value(name);
    const value = given === undefined ? undefined : plain(given);
    if (value === undefined || value === null) return undefined;
    refuseUndefined(value);
    return typeof value === "string" ? value : fail(`${this.callee} expects a str, not ${typeName(value)}`);
  }

  requiredText(name: string): string {
    return this.text(name) ?? fail(`${this.callee} needs a str '${name}'`);
  }

  /** Anything, as it would be printed. */
  printed(name: string, otherwise: string): string {
    const value = this.value(name);
    return value === undefined ? otherwise : str(value, this.budget);
  }

  integer(name: string): number | undefined;
  integer(name: string, otherwise: number): number;
  integer(name: string, otherwise?: number): number | undefined {
    const value = this.value(name);
    if (value === undefined || value === null) return otherwise;
    refuseUndefined(value);
    const number = typeof value === "object" ? undefined : numeric(value);
    return number ?? fail(`${this.callee} expects an int, not ${typeName(value)}`);
  }

  flag(name: string, otherwise = false): boolean {
    const value = this.value(name);
    if (value === undefined) return otherwise;
    return typeof value === "boolean" ? value : numeric(value) !== 0 && value !== null && value !== "";
  }
}
