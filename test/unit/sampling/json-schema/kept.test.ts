import { expect, test } from "vitest";
import { schemaReader } from "../../../support/grammar-texts.js";

const read = await schemaReader();
const nothing = { type: "null" };
const ab = { a: nothing, b: nothing };

/** Schema, texts that it allows, texts that it does not: by JSON Schema 2020-12, one line each. */
const KEPT: Record<string, [schema: object, allowed: string[], refused: string[]]> = {
  anything: [{}, ["1", '"a"', '{"a": [1, {}, "x"], "b": null}', "-1.5e+3", "[]"], ["01", "[1,2]", "{}}", "+1", "nul"]],
  type: [{ type: "integer" }, ["0", "-1", "120"], ["-0", "01", "1.5", '"1"']],
  types: [{ type: ["string", "null"], maxLength: 1 }, ["null", '"a"'], ['"ab"', "1"]],
  strings: [{ type: "string" }, ['"a\\n\\u00e9é"', '""'], ['"a', '"\n"', '"\\x"', '"a"b"']],
  enum: [{ enum: [1, 'a\n"', null, [1, { a: 2 }]] }, ["1", '"a\\n\\""', "null", '[1, {"a": 2}]'], ["2", "[1]"]],
  "enum beside type": [{ type: "string", enum: ["a", 1] }, ['"a"'], ["1"]],
  const: [{ const: { a: [1, 2] } }, ['{"a": [1, 2]}'], ["1"]],
  "const beside enum": [{ const: 1, enum: [1, 2] }, ["1"], ["2"]],
  minLength: [{ type: "string", minLength: 2 }, ['"ab"', '"abc"'], ['"a"']],
  "maxLength counts characters": [{ type: "string", maxLength: 2 }, ['"é😀"', '""'], ['"abc"']],
  "maxLength without type": [{ maxLength: 1 }, ['"a"'], ['"ab"']],
  pattern: [{ type: "string", pattern: "^ab?$" }, ['"ab"', '"a"'], ['"abb"', '"xab"']],
  "pattern, not anchored": [{ type: "string", pattern: "b+" }, ['"abc"', '"b"'], ['"ac"']],
  "pattern, branches": [{ type: "string", pattern: "^a|b$" }, ['"ac"', '"cb"'], ['"ca"']],
  "pattern, characters of JSON": [
    { type: "string", pattern: '^["\\\\\\n]$' },
    ['"\\""', '"\\\\"', '"\\n"'],
    ['"""', '"\\"', '"n"'],
  ],
  "pattern, any character": [
    { type: "string", pattern: "^.\\S[^a]$" },
    ['"xyz"', '"é😀b"'],
    ['"""bb"', '"xya"', '"x b"', '"\\\\\\"'],
  ],
  "pattern, classes": [
    { type: "string", pattern: "^[\\w.-]+@\\d{2,3}?[a-c\\]]$" },
    ['"a.b-c_@12a"', '"x@123]"'],
    ['"@12a"', '"a@1a"', '"a@1234a"'],
  ],
  "pattern, beyond ASCII": [
    { type: "string", pattern: "^[é-ü中]+[^ö]?$" },
    ['"éü中a"', '"ê"'],
    ['"a"', '"文"', '"éè"', '"éaa"'],
  ],
  "pattern, groups": [
    { type: "string", pattern: "^(?:ab|(?<n>c)){2}\\u0041\\x42$" },
    ['"abcAB"', '"ccAB"'],
    ['"abAB"', '"abcab"'],
  ],
  "format date": [
    { type: "string", format: "date" },
    ['"2024-02-28"', '"1999-12-31"'],
    ['"2024-02-30"', '"2024-13-01"', '"x"'],
  ],
  "format date-time": [
    { format: "date-time", type: "string" },
    ['"2024-01-31T23:59:59.5Z"', '"2024-01-31T00:00:00+01:30"'],
    ['"2024-01-31 00:00:00Z"', '"2024-01-31T24:00:00Z"'],
  ],
  "format duration": [
    { type: "string", format: "duration" },
    ['"P1Y2M"', '"PT5M"', '"P3W"', '"P1DT1H"'],
    ['"P"', '"PT"', '"P1S"'],
  ],
  "format email": [{ type: "string", format: "email" }, ['"a.b@c.org"'], ['"a..b@c.org"', '"a@b"', '"x"']],
  "format ipv4": [{ type: "string", format: "ipv4" }, ['"255.0.10.99"'], ['"256.0.0.1"', '"1.2.3"', '"01.2.3.4"']],
  "format uuid": [
    { type: "string", format: "uuid" },
    ['"123e4567-e89b-12d3-a456-426614174000"'],
    ['"123e4567e89b12d3a456426614174000"'],
  ],
  "format uri": [
    { type: "string", format: "uri" },
    ['"https://a.b:80/c%20d?x=1#y"'],
    ['"a b"', '"/a"', '"http://a/%2"'],
  ],
  "integer bounds of floats": [{ type: "integer", minimum: 1.5, maximum: 3.5 }, ["2", "3"], ["1", "4"]],
  "exclusive as a boolean": [{ type: "integer", minimum: 5, exclusiveMinimum: true }, ["6"], ["5"]],
  "large bounds": [
    { type: "integer", minimum: -1e18, maximum: 1e18 },
    ["1000000000000000000", "-1000000000000000000"],
    ["1000000000000000001", "-2000000000000000000"],
  ],
  "huge bounds": [{ type: "number", minimum: 1e30 }, [`1${"0".repeat(30)}`], ["5", `9${"9".repeat(28)}`]],
  "small bounds": [
    { type: "number", exclusiveMinimum: 1e-9, maximum: 1 },
    ["0.0000000011", "1", "1.0"],
    ["0", "0.000000001", "0.0000000009", "1.01", "1e5"],
  ],
  items: [{ items: nothing }, ["[]", "[null, null]"], ["[1]", "1"]],
  "any items": [{ type: "array", minItems: 1, maxItems: 2 }, ["[1]", '["a", []]'], ["[]", "[1, 2, 3]"]],
  minItems: [{ type: "array", items: nothing, minItems: 2 }, ["[null, null]", "[null, null, null]"], ["[]", "[null]"]],
  maxItems: [{ type: "array", items: nothing, maxItems: 2 }, ["[]", "[null]", "[null, null]"], ["[null, null, null]"]],
  "maxItems 0": [{ type: "array", maxItems: 0 }, ["[]"], ["[1]"]],
  prefixItems: [
    { type: "array", prefixItems: [nothing, { type: "integer" }] },
    ["[]", "[null]", "[null, 1]"],
    ["[1]", "[null, null]", "[null, 1, 2]"],
  ],
  "prefixItems and items": [
    { prefixItems: [nothing], items: { type: "integer" }, minItems: 2, maxItems: 3 },
    ["[null, 1]", "[null, 1, 2]"],
    ["[null]", "[null, null]", "[null, 1, 2, 3]"],
  ],
  "prefixItems and maxItems": [{ prefixItems: [nothing, nothing], maxItems: 1 }, ["[]", "[null]"], ["[null, null]"]],
  "a list of items": [
    { items: [nothing], additionalItems: { type: "integer" } },
    ["[]", "[null]", "[null, 1]"],
    ["[1]", "[null, null]"],
  ],
  "items false": [{ type: "array", items: false }, ["[]"], ["[1]"]],
  unevaluatedItems: [{ prefixItems: [nothing], unevaluatedItems: false }, ["[null]"], ["[null, 1]"]],
  properties: [
    { type: "object", properties: ab },
    ["{}", '{"a": null}', '{"b": null}', '{"a": null, "b": null}'],
    ['{"a": 1}', '{"c": null}', '{"a": null, }'],
  ],
  required: [
    { type: "object", properties: ab, required: ["b"] },
    ['{"b": null}', '{"a": null, "b": null}'],
    ["{}", '{"a": null}'],
  ],
  "required without properties": [
    { type: "object", required: ["a"] },
    ['{"a": 1}', '{"a": 1, "b": 2}'],
    ["{}", '{"b": 1}', '{"a": 1, "a": 2}'],
  ],
  "any object": [{ type: "object" }, ["{}", '{"a": 1, "b": [2]}'], ["[]"]],
  additionalProperties: [
    { properties: { ab: nothing }, additionalProperties: { type: "integer" } },
    ["{}", '{"ab": null, "c": 1, "a": 2, "abc": 3}', '{"": 1}'],
    ['{"ab": 1}', '{"c": "x"}', '{"c": 1, "ab": 1}'],
  ],
  "names that look alike": [
    { properties: { "": nothing, 'q"': nothing, é: nothing }, additionalProperties: true },
    ['{"": null, "q\\"": null, "é": null, "q": 1}', '{"éa": 1}'],
    ['{"": 1}', '{"q\\"": 1}', '{"é": 1}', '{"\\u00e9": 1}'],
  ],
  "additionalProperties only": [
    { additionalProperties: { type: "integer" } },
    ["{}", '{"a": 1, "b": 2}'],
    ['{"a": "x"}'],
  ],
  "additionalProperties false": [
    { properties: { a: nothing }, additionalProperties: false },
    ['{"a": null}'],
    ['{"b": 1}'],
  ],
  "a property that must not be": [{ properties: { a: false, b: nothing } }, ["{}", '{"b": null}'], ['{"a": 1}']],
  minProperties: [
    { type: "object", minProperties: 1, maxProperties: 2 },
    ['{"a": 1}', '{"a": 1, "b": 2}'],
    ["{}", '{"a": 1, "b": 2, "c": 3}'],
  ],
  patternProperties: [
    { patternProperties: { "^x": nothing }, additionalProperties: false },
    ["{}", '{"xy": null, "x": null}'],
    ['{"x": 1}', '{"y": null}'],
  ],
  propertyNames: [
    { type: "object", propertyNames: { maxLength: 1 }, additionalProperties: nothing },
    ["{}", '{"x": null}'],
    ['{"yy": null}', '{"x": 1}'],
  ],
  unevaluatedProperties: [{ properties: ab, unevaluatedProperties: false }, ['{"a": null}'], ['{"c": 1}']],
  $ref: [{ $ref: "#/$defs/a", $defs: { a: nothing } }, ["null"], ["1"]],
  "$ref, escaped": [{ $ref: "#/definitions/a~1b%20c", definitions: { "a/b c": nothing } }, ["null"], ["1"]],
  "$ref into a list": [
    {
      properties: { x: { $ref: "#/anyOf/1" } },
      required: ["x"],
      $defs: {},
      anyOf: [{ required: ["x"] }, { type: "object", properties: {} }],
    },
    [],
    ['{"x": 1}'],
  ],
  "$ref beside others": [{ $ref: "#/$defs/a", maxLength: 1, $defs: { a: { type: "string" } } }, ['"a"'], ['"ab"']],
  "$ref to itself": [{ properties: { next: { $ref: "#" } } }, ["{}", '{"next": {"next": {}}}'], ['{"next": 1}']],
  allOf: [{ allOf: [{ type: "string" }, { maxLength: 2 }], minLength: 1 }, ['"a"', '"ab"'], ['"abc"', '""', "1"]],
  "allOf of objects": [
    {
      allOf: [{ $ref: "#/$defs/a" }, { properties: { b: nothing }, required: ["b"] }],
      $defs: { a: { properties: { a: nothing }, required: ["a"] } },
    },
    ['{"a": null, "b": null}'],
    ['{"a": null}', '{"b": null}'],
  ],
  anyOf: [{ anyOf: [nothing, { type: "integer" }] }, ["null", "1"], ['"a"']],
  "anyOf beside others": [
    { type: ["string", "integer"], maxLength: 2, anyOf: [{ minLength: 1 }, { type: "null" }] },
    ['"a"'],
    ['""', '"abc"', "null"],
  ],
  "oneOf of types": [{ oneOf: [nothing, { type: "integer" }] }, ["null", "1"], ['"a"']],
  "oneOf by a constant": [
    { oneOf: ["x", "y"].map((k) => ({ type: "object", properties: { k: { const: k } }, required: ["k"] })) },
    ['{"k": "x"}', '{"k": "y"}'],
    ['{"k": "z"}', "{}"],
  ],
  notes: [
    { title: "t", description: "d", default: 1, examples: [], $schema: "s", $id: "i", "x-own": 1, type: "null" },
    ["null"],
    ["1"],
  ],
};

test.each(Object.entries(KEPT))("kept: %s", (_, [schema, allowed, refused]) => {
  const allows = read(schema);
  expect(allowed.filter((text) => !allows(text))).toEqual([]);
  expect(refused.filter((text) => allows(text))).toEqual([]);
});
