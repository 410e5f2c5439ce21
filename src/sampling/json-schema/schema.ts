import { nearest, UsageError } from "../../types/errors.js";
import { escaped, oneLine, shown } from "../../types/shown.js";

/** A JSON Schema: an object of keywords, or true (anything) or false (nothing). */
export type Schema = boolean | Keywords;
export type Keywords = Readonly<Record<string, unknown>>;

/** Writes what stands inside a value. */
export interface ValueWriter {
  /** The name of a rule for an expression; short ones stand for themselves. */
  rule(expression: string): string;
  /** A value inside another one. */
  value(schema: Schema, place: string): string;
}

/** Levels of objects and arrays in a schema. */
const DEEPEST = 128;
/** Characters of a schema. */
const LONGEST = 1 << 20;

/** Keywords that say nothing about what is valid. */
const NOTES =
  "title description default examples example deprecated readOnly writeOnly $comment $schema $id $defs definitions $anchor $dynamicAnchor $vocabulary contentEncoding contentMediaType contentSchema discriminator externalDocs xml";
/** Keywords that are kept, by the type that they are about. */
export const OF_TYPE: Readonly<Record<string, readonly string[]>> = {
  string: ["minLength", "maxLength", "pattern", "format"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  array: ["items", "prefixItems", "additionalItems", "unevaluatedItems", "minItems", "maxItems", "uniqueItems"],
  object:
    "properties required additionalProperties patternProperties propertyNames minProperties maxProperties unevaluatedProperties".split(
      " ",
    ),
};
const OTHERS = ["type", "enum", "const", "$ref", "allOf", "anyOf", "oneOf"];
/** Keywords of JSON Schema that are refused. */
const REFUSED =
  "not if then else contains minContains maxContains multipleOf dependentRequired dependentSchemas dependencies $dynamicRef $recursiveRef $recursiveAnchor nullable";
const notes = new Set(NOTES.split(" "));
const kept = new Set([...Object.values(OF_TYPE).flat(), ...OTHERS]);

/** The keywords of a schema that say what is valid. */
export function constraints(schema: Keywords): string[] {
  return Object.keys(schema).filter((keyword) => !notes.has(keyword) && !keyword.startsWith("x-"));
}

/** @throws UsageError for a keyword that would not be kept */
export function checkKeywords(schema: Keywords, place: string): void {
  for (const keyword of constraints(schema)) {
    if (kept.has(keyword)) continue;
    if (REFUSED.split(" ").includes(keyword)) refuse(place, `${shown(keyword)} cannot be kept: leave it out`);
    const guess = nearest(keyword.slice(0, 40), [...kept, ...notes]);
    refuse(place, `${shown(keyword)} is no known keyword${guess ? ` (did you mean "${guess}"?)` : ""}: leave it out`);
  }
  if (place !== "#" && "$id" in schema) refuse(place, '"$id" below the root cannot be kept: leave it out');
}

/** @throws UsageError */
export function refuse(place: string, what: string): never {
  throw new UsageError(`the JSON schema cannot be used: at ${escaped(place, 80)}, ${what}`);
}

/**
 * The schema as JSON, and nothing else: without cycles, functions or class instances.
 * @throws UsageError
 */
export function plainSchema(schema: object): Keywords {
  let text: string | undefined;
  try {
    text = JSON.stringify(schema);
  } catch (error) {
    const reason =
      error instanceof RangeError ? "it is too deep" : oneLine(String((error as Error)?.message).split("\n")[0], 120);
    throw new UsageError(`the JSON schema is not JSON: ${reason}`);
  }
  if (text !== undefined && text.length > LONGEST) {
    throw new UsageError(`the JSON schema has ${text.length} characters, and may have ${LONGEST}: give a smaller one`);
  }
  if (text === undefined || depthOf(text) > DEEPEST) {
    const reason = text === undefined ? "is not JSON" : `is more than ${DEEPEST} levels deep`;
    throw new UsageError(`the JSON schema ${reason}: give a smaller one`);
  }
  const plain: unknown = JSON.parse(text);
  if (isKeywords(plain)) return plain;
  throw new UsageError(`the JSON schema is ${shown(plain)}, expected an object such as { type: "object" }`);
}

/** Levels of objects and arrays in a text of JSON. */
function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [piece] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}]/g)) {
    if (piece === "{" || piece === "[") deepest = Math.max(deepest, ++depth);
    else if (piece === "}" || piece === "]") depth--;
  }
  return deepest;
}

export function isKeywords(value: unknown): value is Keywords {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A schema that stands at a place. @throws UsageError for anything else */
export function schemaAt(value: unknown, place: string): Schema {
  if (typeof value === "boolean" || isKeywords(value)) return value;
  return refuse(place, `${shown(value)} is no schema`);
}

/** A count that a keyword gives. @throws UsageError */
export function countOf(schema: Keywords, keyword: string, place: string): number | undefined {
  const value = schema[keyword];
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0))
    return value as number | undefined;
  return refuse(place, `${shown(keyword)} is ${shown(value)}, expected a number of 0 or more`);
}
