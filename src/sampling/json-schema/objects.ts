import { shown } from "../../types/shown.js";
import { literal, optional, repeated } from "./ebnf.js";
import { merged } from "./merge.js";
import { writtenPattern } from "./pattern.js";
import { countOf, isKeywords, type Keywords, refuse, schemaAt, type ValueWriter } from "./schema.js";
import { ANY_STRING, insideString, stringOtherThan } from "./strings.js";

interface Entry {
  text: string;
  required: boolean;
}

/**
 * An object: named properties in the order of the schema, then others where they are allowed. Where a schema names properties
 * and says nothing of others, there are none; without any keyword, properties are free.
 */
export function objectOf(schema: Keywords, writer: ValueWriter, place: string): string {
  const named = namedEntries(schema, writer, place);
  const names = [...Object.keys(properties(schema, place)), ...requiredNames(schema, place)];
  const others = otherEntries(schema, names, writer, place);
  const [least = 0, most] = [countOf(schema, "minProperties", place), countOf(schema, "maxProperties", place)];
  if (named.length === 0) {
    // A key may come twice, and counts once then.
    if (others !== undefined && least > 1) refuse(place, '"minProperties" above 1 cannot be kept where names are free');
    if (others === undefined && least > 0) refuse(place, `no property is allowed, and "minProperties" is ${least}`);
    return `"{" ${others === undefined ? '""' : listOf(others, least, most)} "}"`;
  }
  const required = named.filter((entry) => entry.required).length;
  if (required < least || (most !== undefined && (others !== undefined || named.length > most))) {
    refuse(place, '"minProperties" and "maxProperties" cannot be kept beside optional "properties"');
  }
  return `"{" ${sequence(named, others, writer)} "}"`;
}

/** Items with commas between them. */
export function listOf(item: string, least: number, most: number | undefined): string {
  if (most === 0) return '""';
  const more = repeated(`", " ${item}`, Math.max(0, least - 1), most === undefined ? undefined : most - 1);
  return least === 0 ? optional(`${item} ${more}`) : `${item} ${more}`;
}

function sequence(entries: readonly Entry[], others: string | undefined, writer: ValueWriter): string {
  // What may follow once something stands there, and what may stand there first.
  let rest = others === undefined ? '""' : `(", " ${others})*`;
  let start = others === undefined ? '""' : listOf(others, 0, undefined);
  for (const { text, required } of [...entries].reverse()) {
    const here = writer.rule(text);
    const next = writer.rule(rest);
    start = required ? `${here} ${next}` : `(${here} ${next} | ${writer.rule(start)})`;
    rest = required ? `", " ${here} ${next}` : `(", " ${here} ${next} | ${next})`;
  }
  return start;
}

function namedEntries(schema: Keywords, writer: ValueWriter, place: string): Entry[] {
  const own = properties(schema, place);
  const required = requiredNames(schema, place);
  const extra = schema.additionalProperties ?? true;
  const entries: Entry[] = [];
  for (const name of new Set([...Object.keys(own), ...required])) {
    const at = `${place}/properties/${name}`;
    const value = Object.hasOwn(own, name) ? schemaAt(own[name], at) : schemaAt(extra, `${place}/additionalProperties`);
    if (value === false) {
      if (required.has(name)) refuse(place, `the property ${shown(name)} is required, and no value is allowed for it`);
      continue;
    }
    const text = `${literal(`"${insideString(name)}": `)} ${writer.value(value, at)}`;
    entries.push({ text, required: required.has(name) });
  }
  if (entries.length > 0 && (schema.patternProperties !== undefined || schema.propertyNames !== undefined)) {
    const keyword = schema.propertyNames === undefined ? "patternProperties" : "propertyNames";
    refuse(place, `"${keyword}" cannot be kept beside "properties" or "required": leave it out`);
  }
  return entries;
}

function properties(schema: Keywords, place: string): Keywords {
  const own = schema.properties ?? {};
  return isKeywords(own) ? own : refuse(place, `"properties" is ${shown(own)}, expected an object`);
}

function requiredNames(schema: Keywords, place: string): Set<string> {
  const names = schema.required ?? [];
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return new Set(names);
  return refuse(place, `"required" is ${shown(names)}, expected a list of names`);
}

/** One property with a free name; undefined where there is none. */
function otherEntries(
  schema: Keywords,
  names: readonly string[],
  writer: ValueWriter,
  place: string,
): string | undefined {
  const { patternProperties: patterns, unevaluatedProperties: rest } = schema;
  if (patterns !== undefined) return patternEntry(patterns, schema, writer, place);
  const free = schema.properties === undefined;
  const extra = schema.additionalProperties ?? rest ?? free;
  if (rest !== undefined && rest !== true && schema.additionalProperties !== undefined) {
    refuse(place, '"unevaluatedProperties" cannot be kept beside "additionalProperties": leave it out');
  }
  const value = schemaAt(extra, `${place}/additionalProperties`);
  if (value === false) return undefined;
  return writer.rule(
    `${nameOf(schema, names, writer, place)} ": " ${writer.value(value, `${place}/additionalProperties`)}`,
  );
}

function nameOf(schema: Keywords, names: readonly string[], writer: ValueWriter, place: string): string {
  if (schema.propertyNames === undefined) return names.length > 0 ? stringOtherThan(names) : ANY_STRING;
  const at = `${place}/propertyNames`;
  const given = schemaAt(schema.propertyNames, at);
  if (isKeywords(given) && given.$ref !== undefined)
    refuse(at, '"$ref" cannot be kept in names: write the schema here');
  return writer.value(merged({ type: "string" }, given), at);
}

function patternEntry(patterns: unknown, schema: Keywords, writer: ValueWriter, place: string): string {
  const [[pattern, value], ...more] = isKeywords(patterns) ? Object.entries(patterns) : [["", false as unknown]];
  const { additionalProperties: extra = true, propertyNames } = schema;
  if (!isKeywords(patterns) || more.length > 0 || propertyNames !== undefined || (extra !== true && extra !== false)) {
    refuse(place, '"patternProperties" can be kept with one pattern, alone: use "properties"');
  }
  const at = `${place}/patternProperties`;
  return writer.rule(`${writtenPattern(pattern, at)} ": " ${writer.value(schemaAt(value, at), at)}`);
}
