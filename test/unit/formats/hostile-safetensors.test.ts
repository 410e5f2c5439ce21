import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SafetensorsFile } from "../../../src/formats/safetensors/safetensors.js";
import { temporaryFolder } from "../../support/models.js";
import { refusal } from "../../support/refusal.js";
import { lengthPrefix } from "../../support/safetensors-files.js";

const entry = (more = "") => `{"dtype":"F32","shape":[0],"data_offsets":[0,0]${more}}`;

test.each<[name: string, header: string, says: RegExp]>([
  ["depth", `{"a":${"[".repeat(1e6)}`, /the header nests deeper than 64 levels/],
  ["a million objects", `{"a":[${"{},".repeat(1e6)}1]}`, /the header holds more than 105000 objects/],
  ["a million values", `{"__metadata__":{${'"a":"",'.repeat(1e6)}"z":""}}`, /the header holds more than 250000 values/],
  ["a name twice", `{"a":${entry()},"a":${entry()}}`, /the header names a tensor twice/],
  ["many sizes", `{"a":{"dtype":"F32","shape":[${"0,".repeat(1000)}0],"data_offsets":[0,0]}}`, /at most 64 sizes/],
  [
    "sizes that overflow",
    `{"a":{"dtype":"F32","shape":[${"9007199254740991,".repeat(40)}2],"data_offsets":[0,0]}}`,
    /takes .* bytes/,
  ],
  [
    "a name to hide behind",
    `{"\x9b2J\\u001b\\n${"x".repeat(1e6)}":5}`,
    /tensor "\\u009b2J\\u001b\\nx+\.\.\. is described by 5/,
  ],
])("safetensors headers: %s", async (_, header, says) => {
  const path = join(temporaryFolder(), "model.safetensors");
  const content = Buffer.from(header);
  writeFileSync(path, Buffer.concat([lengthPrefix(content.length), content]));
  expect(await refusal(() => SafetensorsFile.open(path))).toMatch(says);
});
