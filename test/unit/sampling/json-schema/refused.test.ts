import { expect, test } from "vitest";
import { schemaError } from "../../../support/grammar-texts.js";

const nothing = { type: "null" };
const ab = { a: nothing, b: nothing };

/** Schemas that are refused, and a word of the reason. */
const REFUSED: Record<string, [schema: unknown, reason: string]> = {
  not: [{ not: {} }, '"not" cannot be kept'],
  if: [{ type: "integer", if: { minimum: 5 } }, '"if" cannot be kept'],
  multipleOf: [{ type: "integer", multipleOf: 2 }, '"multipleOf" cannot be kept'],
  contains: [{ properties: { a: { contains: {} } } }, 'at #/properties/a, "contains" cannot be kept'],
  uniqueItems: [{ type: "array", uniqueItems: true }, '"uniqueItems" cannot be kept'],
  dependentRequired: [{ dependentRequired: { a: ["b"] } }, '"dependentRequired" cannot be kept'],
  nullable: [{ type: "string", nullable: true }, '"nullable" cannot be kept'],
  $dynamicRef: [{ $dynamicRef: "#a" }, '"$dynamicRef" cannot be kept'],
  misspelt: [{ type: "string", maxLenght: 1 }, 'did you mean "maxLength"?'],
  "a URL": [{ $ref: "http://example.com/x" }, '"$ref" is "http://example.com/x", expected "#/..."'],
  "an anchor": [{ $ref: "#a" }, '"$ref" is "#a", expected "#/..."'],
  "a missing reference": [{ $ref: "#/nope" }, "which the schema does not have"],
  "a circle of references": [
    { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { anyOf: [{ $ref: "#/$defs/a" }] } } },
    "leads back to itself",
  ],
  "a circle in allOf": [{ allOf: [{ $ref: "#" }] }, "leads back to itself"],
  "oneOf that overlaps": [{ oneOf: [{ type: "integer" }, { type: "number" }] }, 'use "anyOf"'],
  "two patterns": [{ allOf: [{ pattern: "a" }, { pattern: "b" }] }, 'both have "pattern"'],
  "a closed object and more": [
    { allOf: [{ properties: { a: {} }, additionalProperties: false }, { properties: { b: {} } }] },
    'both have "additionalProperties"',
  ],
  "pattern and length": [{ pattern: "a", maxLength: 2 }, "keep one of them"],
  "enum and length": [{ enum: ["a", "bb"], maxLength: 1 }, '"maxLength" cannot be kept beside'],
  "no constant left": [{ type: "string", enum: [1] }, "none of the values is allowed"],
  "look-ahead": [{ pattern: "(?=a)" }, "look-around and flags are not supported"],
  "a bad pattern": [{ pattern: "(" }, "a group does not end"],
  "a control character": [{ pattern: "^\\0$" }, "no JSON string holds"],
  "many characters": [{ pattern: "[\\u0100-\\ud7ff]" }, "more than 25000 characters beyond ASCII"],
  "a property class": [{ pattern: "\\p{L}" }, "\\p is not supported"],
  "a format": [{ type: "string", format: "colour" }, 'the format "colour" is not known'],
  "a type": [{ type: "colour" }, '"type" is "colour", expected one or more of'],
  bounds: [{ type: "integer", minimum: 5, maximum: 1 }, "no number is within the bounds"],
  "no integer between": [{ type: "integer", minimum: 1.2, maximum: 1.8 }, "no number is within the bounds"],
  lengths: [{ minLength: 3, maxLength: 1 }, '"minLength" 3 is above "maxLength" 1'],
  items: [{ type: "array", minItems: 3, maxItems: 1 }, '"minItems" is 3, and 1 items are allowed'],
  "a count of text": [{ maxLength: "5" }, '"maxLength" is "5", expected a number of 0 or more'],
  "a negative count": [{ minItems: -1, type: "array" }, '"minItems" is -1'],
  "a bound of text": [{ minimum: "5" }, '"minimum" is "5", expected a number'],
  minProperties: [{ type: "object", minProperties: 2 }, '"minProperties" above 1'],
  maxProperties: [{ properties: ab, maxProperties: 1 }, "cannot be kept beside optional"],
  nothing: [{ properties: { a: false }, required: ["a"] }, 'the property "a" is required, and no value is allowed'],
  "no choice": [{ anyOf: [] }, '"anyOf" is [], expected schemas'],
  "a list": [[], "expected an object"],
  "a function": [() => 1, "is not JSON"],
  "a BigInt": [{ const: 1n }, "the JSON schema is not JSON: "],
  "toJSON that throws": [
    {
      toJSON: () => {
        throw new Error("no\nway");
      },
    },
    "the JSON schema is not JSON: no",
  ],
};

test.each(Object.entries(REFUSED))("refused: %s", (_, [schema, reason]) => {
  const error = schemaError(schema);
  expect(error).toMatchObject({ name: "UsageError" });
  expect(error?.message).toContain(reason);
  expect(error?.message).not.toContain("\n");
});

test("what is long, deep or circular is refused at once, and not repeated", () => {
  const circular: Record<string, unknown> = {};
  circular.properties = circular;
  let deep: object = nothing;
  for (let i = 0; i < 20_000; i++) deep = { type: "array", items: deep };
  const long = "x".repeat(3_000_000);
  const schemas = [circular, deep, { const: long }, { [long.slice(0, 900_000)]: 1 }, { $ref: long.slice(0, 900_000) }];
  const start = performance.now();
  for (const schema of schemas) expect(schemaError(schema)?.message.length).toBeLessThan(400);
  expect(performance.now() - start).toBeLessThan(5000);
});
