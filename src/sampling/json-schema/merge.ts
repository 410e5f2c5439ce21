import { constraints, isKeywords, type Keywords, OF_TYPE, type Schema } from "./schema.js";

/** All types that values have; an integer is a number too. */
export const TYPES = ["string", "integer", "number", "boolean", "null", "array", "object"] as const;
export type Type = (typeof TYPES)[number];

const LOWER = new Set(["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"]);
const UPPER = new Set(["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"]);

/** Two schemas of which one value must satisfy both cannot be put together: the keyword that stands in the way. */
export class MergeError extends Error {}

/**
 * A schema for what two schemas both allow; false when they share no type.
 * @throws MergeError
 */
export function merged(a: Schema, b: Schema): Schema {
  if (a === true) return b;
  if (b === true || a === false) return a;
  if (b === false) return false;
  const result: Record<string, unknown> = { ...a };
  for (const keyword of Object.keys(b)) {
    const [mine, other] = [a[keyword], b[keyword]];
    if (mine === undefined || JSON.stringify(mine) === JSON.stringify(other)) result[keyword] = other;
    else if (keyword === "type") {
      const types = commonTypes(mine, other);
      if (types.length === 0) return false;
      result.type = types;
    } else if (keyword === "properties" && isKeywords(mine) && isKeywords(other)) {
      result.properties = mergedProperties(mine, other);
    } else if (keyword === "required" && Array.isArray(mine) && Array.isArray(other)) {
      result.required = [...new Set([...mine, ...other])];
    } else if (typeof mine === "number" && typeof other === "number" && (LOWER.has(keyword) || UPPER.has(keyword))) {
      result[keyword] = LOWER.has(keyword) ? Math.max(mine, other) : Math.min(mine, other);
    } else if (constraints({ [keyword]: 0 }).length > 0) throw new MergeError(keyword);
  }
  return withOpenProperties(a, b, result);
}

/** Closed objects name all that may stand in them: what only the other one names, they forbid. */
function withOpenProperties(a: Keywords, b: Keywords, result: Keywords): Keywords {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ]) {
    const extra = one.additionalProperties;
    if (extra === undefined || extra === true || !isKeywords(other.properties)) continue;
    const named = isKeywords(one.properties) ? one.properties : {};
    if (Object.keys(other.properties).some((name) => !Object.hasOwn(named, name))) {
      throw new MergeError("additionalProperties");
    }
  }
  return result;
}

function mergedProperties(a: Keywords, b: Keywords): Keywords {
  const entries = new Map(Object.entries(a));
  for (const [name, schema] of Object.entries(b)) {
    const mine = entries.get(name);
    entries.set(name, mine === undefined ? schema : merged(mine as Schema, schema as Schema));
  }
  return Object.fromEntries(entries);
}

function commonTypes(a: unknown, b: unknown): unknown[] {
  const [first, second] = [a, b].map((types) => (Array.isArray(types) ? types : [types]));
  const has = (types: unknown[], type: unknown) =>
    types.includes(type) || (type === "integer" && types.includes("number"));
  return [...new Set([...first.filter((type) => has(second, type)), ...second.filter((type) => has(first, type))])];
}

/** Types that a schema allows; where it names none, those that its keywords are about. */
export function typesOf(schema: Keywords): Type[] {
  if (schema.type !== undefined) return [schema.type].flat() as Type[];
  const about = Object.keys(OF_TYPE).filter((type) => OF_TYPE[type].some((keyword) => keyword in schema));
  return (about.length > 0 ? about : TYPES.filter((type) => type !== "integer")) as Type[];
}

/** Whether no value satisfies both, as far as types, constants and required properties tell. Neither may hold a $ref. */
export function disjoint(a: Schema, b: Schema): boolean {
  if (!isKeywords(a) || !isKeywords(b)) return a === false || b === false;
  const [first, second] = [valuesOf(a), valuesOf(b)];
  if (first && second) return !first.some((value) => second.includes(value));
  const kinds = [kindsOf(a), kindsOf(b)];
  if (kinds.every((kind) => kind) && !kinds[0]!.some((kind) => kinds[1]!.includes(kind))) return true;
  if (![a, b].every((schema) => kindsOf(schema)?.join() === "object" && isKeywords(schema.properties))) return false;
  const [mine, other] = [a.properties as Keywords, b.properties as Keywords];
  const required = ([a.required].flat() as string[]).filter((name) => [b.required].flat().includes(name));
  return required.some(
    (name) =>
      Object.hasOwn(mine, name) && Object.hasOwn(other, name) && disjoint(mine[name] as Schema, other[name] as Schema),
  );
}

function valuesOf(schema: Keywords): string[] | undefined {
  if ("const" in schema) return [JSON.stringify(schema.const)];
  return Array.isArray(schema.enum) ? schema.enum.map((value) => JSON.stringify(value)) : undefined;
}

/** Types, with integers as numbers; undefined when the schema does not say. */
function kindsOf(schema: Keywords): string[] | undefined {
  const values = valuesOf(schema)?.map((value) => typeOfValue(JSON.parse(value)));
  const types = values ?? (schema.type === undefined ? undefined : [schema.type].flat());
  return types?.map((type) => (type === "integer" ? "number" : String(type)));
}

export function typeOfValue(value: unknown): Type {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value as Type;
}
