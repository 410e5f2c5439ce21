import { UsageError } from "../../types/errors.js";
import { shown } from "../../types/shown.js";
import { arrayOf } from "./arrays.js";
import { oneOf } from "./ebnf.js";
import { disjoint, MergeError, merged, TYPES, type Type, typesOf } from "./merge.js";
import { ANY_INTEGER, ANY_NUMBER } from "./numbers.js";
import { objectOf } from "./objects.js";
import { referenced } from "./references.js";
import { constants, numbers, text } from "./scalars.js";
import {
  checkKeywords,
  constraints,
  isKeywords,
  type Keywords,
  OF_TYPE,
  plainSchema,
  refuse,
  type Schema,
  schemaAt,
  type ValueWriter,
} from "./schema.js";
import { ANY_STRING } from "./strings.js";

/** Characters of the grammar. */
const LONGEST = 1 << 19;

/** Any value on one line. */
const ANY_VALUE = `any_value ::= any_object | any_array | any_string | any_number | "true" | "false" | "null"
any_object ::= "{" (any_string ": " any_value (", " any_string ": " any_value)*)? "}"
any_array ::= "[" (any_value (", " any_value)*)? "]"
any_string ::= ${ANY_STRING}
any_number ::= ${ANY_NUMBER}`;

/**
 * A grammar (EBNF) of JSON on one line that a JSON Schema allows: every text of the grammar satisfies the schema. Not every value that
 * does is a text of it: objects name their properties in the schema's order, and hold no others unless the schema says so.
 * @throws UsageError for a schema that is none, is too large, or has a keyword that cannot be kept
 */
export function schemaToEbnf(schema: object): string {
  return new SchemaWriter(plainSchema(schema)).written();
}

/** Writes the rules of one schema. */
class SchemaWriter implements ValueWriter {
  private readonly rules: string[] = [];
  private readonly names = new Map<string, string>();
  private readonly references = new Map<string, string>();
  /** Where references are on the way to the value that is being written: none may come twice before it begins. */
  private chain: readonly string[] = [];
  private size = 0;

  constructor(private readonly root: Keywords) {}

  written(): string {
    const root = this.alternatives(this.root, "#");
    return [`root ::= ${root}`, ...this.rules, ANY_VALUE].join("\n");
  }

  rule(expression: string): string {
    if (/^\w+$/.test(expression) || expression.length < 12) return expression;
    let name = this.names.get(expression);
    if (name === undefined) {
      name = `r${this.names.size}`;
      this.names.set(expression, name);
      this.add(`${name} ::= ${expression}`);
    }
    return name;
  }

  value(schema: Schema, place: string): string {
    const { chain } = this;
    this.chain = [];
    const expression = this.alternatives(schema, place);
    this.chain = chain;
    return expression.length > 40 ? this.rule(expression) : expression;
  }

  private add(line: string): void {
    this.size += line.length;
    if (this.size > LONGEST) {
      throw new UsageError("the JSON schema cannot be used: it makes a grammar that is too large, give a smaller one");
    }
    this.rules.push(line);
  }

  private alternatives(schema: Schema, place: string): string {
    if (schema === true) return "any_value";
    if (schema === false) return refuse(place, "no value is allowed");
    checkKeywords(schema, place);
    if (schema.$ref !== undefined) return this.reference(schema, place);
    const { allOf, ...beside } = schema;
    if (allOf !== undefined) return this.alternatives(this.all(list(allOf, "allOf", place), beside, place), place);
    if (schema.anyOf !== undefined || schema.oneOf !== undefined) return this.any(schema, place);
    if (schema.enum !== undefined || "const" in schema) return constants(schema, place);
    if (constraints(schema).length === 0) return "any_value";
    return this.typed(schema, place);
  }

  private reference(schema: Keywords, place: string): string {
    const other = constraints(schema).find((keyword) => keyword !== "$ref");
    if (other !== undefined)
      return this.alternatives(this.all([{ $ref: schema.$ref }], without(schema, "$ref"), place), place);
    const target = referenced(this.root, schema.$ref, place);
    const pointer = schema.$ref as string;
    this.enter(pointer, place);
    let name = this.references.get(pointer);
    if (name === undefined) {
      name = `ref${this.references.size}`;
      this.references.set(pointer, name);
      this.add(`${name} ::= ${this.alternatives(target, pointer)}`);
    }
    this.chain = this.chain.slice(0, -1);
    return name;
  }

  private enter(pointer: string, place: string): void {
    if (this.chain.includes(pointer)) refuse(place, `"$ref" is ${shown(pointer)}, which leads back to itself`);
    this.chain = [...this.chain, pointer];
  }

  /** One schema for all of several, references followed. */
  private all(schemas: readonly Schema[], beside: Schema, place: string): Schema {
    return schemas.reduce<Schema>((all, schema) => {
      try {
        return merged(all, this.resolved(schema, place));
      } catch (error) {
        if (!(error instanceof MergeError)) throw error;
        return refuse(place, `two schemas for one value both have ${shown(error.message)}: write one that says both`);
      }
    }, beside);
  }

  /** A schema without a reference or allOf at its top. */
  private resolved(schema: Schema, place: string, seen: readonly unknown[] = []): Schema {
    if (!isKeywords(schema)) return schema;
    checkKeywords(schema, place);
    const { $ref, allOf, ...beside } = schema;
    const inner = [...(allOf === undefined ? [] : list(allOf, "allOf", place))];
    if ($ref !== undefined) {
      if (seen.includes($ref)) refuse(place, `"$ref" is ${shown($ref)}, which leads back to itself`);
      inner.push(referenced(this.root, $ref, place));
    }
    if (inner.length === 0) return schema;
    const all = inner.map((one) => this.resolved(one, place, [...seen, $ref]));
    return this.all(all, beside, place);
  }

  private any(schema: Keywords, place: string): string {
    const { anyOf, oneOf: exactly, ...beside } = schema;
    if (anyOf !== undefined && exactly !== undefined) refuse(place, '"oneOf" cannot be kept beside "anyOf"');
    const keyword = anyOf === undefined ? "oneOf" : "anyOf";
    let branches = list(anyOf ?? exactly, keyword, place);
    if (exactly !== undefined) this.checkDisjoint(branches, place);
    if (constraints(beside).length > 0) {
      branches = branches.map((branch) => this.all([branch], beside, place)).filter((branch) => branch !== false);
    }
    const written = branches
      .filter((branch) => branch !== false)
      .map((branch, i) => this.alternatives(branch, `${place}/${keyword}/${i}`));
    return oneOf(written) ?? refuse(place, `"${keyword}" allows no value`);
  }

  /** A text that satisfies two of the schemas of a oneOf would be none of its own. */
  private checkDisjoint(branches: readonly Schema[], place: string): void {
    const resolved = branches.map((branch) => this.resolved(branch, place));
    resolved.forEach((one, i) => {
      if (resolved.slice(0, i).every((other) => disjoint(one, other))) return;
      refuse(place, '"oneOf" can be kept where its schemas differ in type or in a required constant: use "anyOf"');
    });
  }

  private typed(schema: Keywords, place: string): string {
    const types = typesOf(schema);
    const unknown = types.find((type) => !TYPES.includes(type));
    if (unknown !== undefined || types.length === 0) {
      refuse(place, `"type" is ${shown(schema.type)}, expected one or more of ${TYPES.join(", ")}`);
    }
    const distinct = [...new Set(types)].filter((type) => type !== "integer" || !types.includes("number"));
    return oneOf(distinct.map((type) => this.ofType(type, schema, place)))!;
  }

  private ofType(type: Type, schema: Keywords, place: string): string {
    const free = !(OF_TYPE[type === "integer" ? "number" : type] ?? []).some((keyword) => keyword in schema);
    if (type === "boolean") return '("true" | "false")';
    if (type === "null") return '"null"';
    if (type === "string") return free ? "any_string" : this.rule(text(schema, place));
    if (type === "array") return free ? "any_array" : arrayOf(schema, this, place);
    if (type === "object") return free ? "any_object" : objectOf(schema, this, place);
    return free
      ? type === "integer"
        ? this.rule(ANY_INTEGER)
        : "any_number"
      : this.rule(numbers(type, schema, place));
  }
}

function without(schema: Keywords, keyword: string): Keywords {
  const { [keyword]: _, ...rest } = schema;
  return rest;
}

function list(value: unknown, keyword: string, place: string): readonly Schema[] {
  if (!Array.isArray(value) || value.length === 0) refuse(place, `"${keyword}" is ${shown(value)}, expected schemas`);
  return value.map((one, i) => schemaAt(one, `${place}/${keyword}/${i}`));
}
