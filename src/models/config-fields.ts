import type { Json } from "../files/json.js";
import { CheckpointError } from "../types/errors.js";
import { escaped, shown } from "../types/shown.js";

/** Token ids given as one number, a list, or not at all. */
export function tokenIds(value: unknown, vocabSize: number, file: string, name: string): number[] {
  if (value == null) return [];
  const ids = Array.isArray(value) ? value : [value];
  for (const id of ids) {
    if (Number.isInteger(id) && id >= 0 && id < vocabSize) continue;
    throw new CheckpointError(
      `${file}: ${name} is ${JSON.stringify(id)}, expected a token id below vocab_size (${vocabSize})`,
    );
  }
  return ids;
}

/** Typed access to the fields of a config.json; what is wrong is a CheckpointError that names the field. */
export class ConfigFields {
  constructor(
    private readonly json: Json,
    private readonly file: string,
  ) {}

  fail(name: string, expected: string): never {
    const got = this.json[name] === undefined ? "is missing" : `is ${shown(this.json[name])}`;
    throw new CheckpointError(`${escaped(this.file)}: ${name} ${got}, expected ${expected}`);
  }

  positive(name: string, fallback?: number): number {
    const value = this.json[name] ?? fallback;
    if (typeof value === "number" && Number.isSafeInteger(value) && value > 0 && value < 2 ** 31) return value;
    return this.fail(name, "a positive integer");
  }

  number(name: string, fallback?: number): number {
    const value = this.json[name] ?? fallback;
    if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
    return this.fail(name, "a positive number");
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.json[name] ?? fallback;
    return typeof value === "boolean" ? value : this.fail(name, "true or false");
  }

  text(name: string): string {
    const value = this.json[name];
    return typeof value === "string" && value !== "" ? value : this.fail(name, "a name");
  }
}
