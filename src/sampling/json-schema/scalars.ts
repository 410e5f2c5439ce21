import { shown } from "../../types/shown.js";
import { literal, oneOf } from "./ebnf.js";
import { FORMATS } from "./formats.js";
import { type Type, typeOfValue, typesOf } from "./merge.js";
import { type Bound, decimals, integers } from "./numbers.js";
import { patternString, writtenPattern } from "./pattern.js";
import { constraints, countOf, isKeywords, type Keywords, refuse } from "./schema.js";
import { sizedString } from "./strings.js";

/** The values of "enum" or "const". */
export function constants(schema: Keywords, place: string): string {
  const other = constraints(schema).find((keyword) => !["enum", "const", "type"].includes(keyword));
  if (other !== undefined) refuse(place, `${shown(other)} cannot be kept beside "enum" or "const": leave it out`);
  const values = "const" in schema ? [schema.const] : schema.enum;
  if (!Array.isArray(values)) refuse(place, `"enum" is ${shown(values)}, expected a list of values`);
  const types = schema.type === undefined ? undefined : typesOf(schema);
  const allowed = values.filter((value) => {
    const type = typeOfValue(value);
    if (types && !types.includes(type) && !(type === "integer" && types.includes("number"))) return false;
    return !("const" in schema) || !Array.isArray(schema.enum) || schema.enum.map(line).includes(line(value));
  });
  if (allowed.length === 0) refuse(place, "none of the values is allowed");
  return oneOf(allowed.map((value) => literal(line(value))))!;
}

/** JSON on one line, with a space after comma and colon. */
function line(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(line).join(", ")}]`;
  if (!isKeywords(value)) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, inner]) => `${JSON.stringify(name)}: ${line(inner)}`)
    .join(", ")}}`;
}

/** A string with keywords of its own. */
export function text(schema: Keywords, place: string): string {
  const [least, most] = [countOf(schema, "minLength", place), countOf(schema, "maxLength", place)];
  const { pattern, format } = schema;
  const given = [pattern, format, least ?? most].filter((one) => one !== undefined);
  if (given.length > 1) refuse(place, '"pattern", "format" and lengths cannot be kept together: keep one of them');
  if (pattern !== undefined) return writtenPattern(pattern, `${place}/pattern`);
  if (format !== undefined) {
    if (typeof format === "string" && Object.hasOwn(FORMATS, format)) return patternString(FORMATS[format]);
    refuse(
      place,
      `the format ${shown(format)} is not known: leave it out, or use one of ${Object.keys(FORMATS).join(", ")}`,
    );
  }
  if (most !== undefined && (least ?? 0) > most) refuse(place, `"minLength" ${least} is above "maxLength" ${most}`);
  return most === undefined && !least ? "any_string" : sizedString(least ?? 0, most);
}

/** A number within bounds. */
export function numbers(type: Type, schema: Keywords, place: string): string {
  const low = bound(schema, "minimum", "exclusiveMinimum", 1, place);
  const high = bound(schema, "maximum", "exclusiveMaximum", -1, place);
  const written = type === "integer" ? integers(low, high) : decimals(low, high);
  return written ?? refuse(place, "no number is within the bounds");
}

/** The tighter of two bounds; drafts before 6 have a boolean for the exclusive one. @param sign 1 for a lower one */
function bound(schema: Keywords, keyword: string, strict: string, sign: number, place: string): Bound | undefined {
  const [value, limit] = [schema[keyword], schema[strict]];
  for (const [name, given] of [
    [keyword, value],
    [strict, limit],
  ] as const) {
    if (given === undefined || typeof given === "number" || (name === strict && typeof given === "boolean")) continue;
    refuse(place, `${shown(name)} is ${shown(given)}, expected a number`);
  }
  if (typeof limit === "boolean" || limit === undefined) {
    return value === undefined ? undefined : { value: value as number, exclusive: limit === true };
  }
  if (value === undefined || sign * (limit as number) >= sign * (value as number)) {
    return { value: limit as number, exclusive: true };
  }
  return { value: value as number, exclusive: false };
}
