import { describe, expect, it } from "vitest";
import { AutoTokenizer } from "../../../src/index.js";
import { readJson } from "../../support/models.js";

interface Row {
  text: string;
  ids: number[];
  bare: number[];
  decoded: string;
  decoded_all: string;
}

const oracle = readJson<{ tokenizers: Record<string, Row[]> }>("test/oracle/tokenizers/oracle.json");
const folders: Record<string, string> = {
  embedded: "models/target",
  "llama-bpe": "test/oracle/tokenizers/llama-bpe",
  "byte-level": "test/oracle/tokenizers/byte-level",
};

describe.each(Object.entries(oracle.tokenizers))("tokenizer %s", (name, rows) => {
  it.each(rows.map((row) => [JSON.stringify(row.text), row] as const))(
    "has transformers' ids for %s",
    async (_, row) => {
      const tokenizer = await AutoTokenizer.fromPretrained(folders[name]);
      expect(tokenizer.encode(row.text)).toEqual(row.ids);
      expect(tokenizer.encode(row.text, { addSpecialTokens: false })).toEqual(row.bare);
      expect(tokenizer.decode(row.ids, { skipSpecialTokens: true })).toBe(row.decoded);
      expect(tokenizer.decode(row.ids)).toBe(row.decoded_all);
    },
  );
});
