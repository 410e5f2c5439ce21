import { shown } from "../../types/shown.js";
import { optional, repeated } from "./ebnf.js";
import { listOf } from "./objects.js";
import { countOf, type Keywords, refuse, type Schema, schemaAt, type ValueWriter } from "./schema.js";

/** An array. Where a schema names the first items and says nothing of others, there are none; without any keyword, items are free. */
export function arrayOf(schema: Keywords, writer: ValueWriter, place: string): string {
  if (schema.uniqueItems !== undefined && schema.uniqueItems !== false) {
    refuse(place, '"uniqueItems" cannot be kept: leave it out');
  }
  const { first, rest } = parts(schema, place);
  const [least = 0, limit] = [countOf(schema, "minItems", place), countOf(schema, "maxItems", place)];
  const most = rest === false ? Math.min(first.length, limit ?? first.length) : limit;
  if (most !== undefined && least > most) refuse(place, `"minItems" is ${least}, and ${most} items are allowed`);
  const own = first.slice(0, most).map((item, i) => writer.rule(writer.value(item, `${place}/prefixItems/${i}`)));
  const other = rest === false || own.length === most ? undefined : writer.rule(writer.value(rest, `${place}/items`));
  if (own.length === 0) return `"[" ${other === undefined ? '""' : listOf(other, least, most)} "]"`;
  const more = most === undefined ? undefined : most - own.length;
  let tail = other === undefined ? '""' : repeated(`", " ${other}`, Math.max(0, least - own.length), more);
  for (let i = own.length - 1; i > 0; i--) {
    const here = `", " ${own[i]} ${tail}`;
    tail = writer.rule(i < least ? here : optional(here));
  }
  const all = `${own[0]} ${tail}`;
  return `"[" ${least > 0 ? all : optional(all)} "]"`;
}

/** The first items, and what the others are; drafts before 2020-12 have the first ones in "items". */
function parts(schema: Keywords, place: string): { first: Schema[]; rest: Schema } {
  const { items, additionalItems, unevaluatedItems, prefixItems = [] } = schema;
  const old = Array.isArray(items);
  const list = old ? items : prefixItems;
  if (!Array.isArray(list)) refuse(place, `"prefixItems" is ${shown(list)}, expected a list of schemas`);
  const first = list.map((item, i) => schemaAt(item, `${place}/prefixItems/${i}`));
  const rest = (old ? additionalItems : items) ?? unevaluatedItems ?? first.length === 0;
  const closed = first.indexOf(false);
  return closed < 0
    ? { first, rest: schemaAt(rest, `${place}/items`) }
    : { first: first.slice(0, closed), rest: false };
}
