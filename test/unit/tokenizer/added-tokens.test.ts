import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { vocabularyOf } from "../../../src/api/vocabulary.js";
import { AutoTokenizer } from "../../../src/index.js";
import type { Tokenizer } from "../../../src/tokenizer/tokenizer.js";
import type { ModelConfig } from "../../../src/types/model-config.js";
import { readJson, temporaryFolder } from "../../support/models.js";

interface Row {
  name: string;
  files: Record<string, unknown>;
  ids: number[];
  eos: number | null;
  size: number;
  special: number[];
  added: Record<string, number>;
  shown: string;
  skipped: string;
}

const oracle = readJson<{ text: string; rows: Row[] }>("test/oracle/tokenizers-added/oracle.json");

function read(files: Record<string, unknown>): Promise<Tokenizer> {
  const folder = temporaryFolder();
  for (const [file, value] of Object.entries(files)) writeFileSync(join(folder, file), JSON.stringify(value));
  return AutoTokenizer.fromPretrained(folder);
}

describe("added tokens", () => {
  it.each(oracle.rows.map((row) => [row.name, row] as const))("are transformers': %s", async (_, row) => {
    const tokenizer = await read(row.files);
    const added = Object.fromEntries((tokenizer.json.added_tokens ?? []).map(({ content, id }) => [content, id]));
    expect(added).toEqual(row.added);
    expect(tokenizer.encode(oracle.text)).toEqual(row.ids);
    expect([...tokenizer.specialTokenIds].sort((a, b) => a - b)).toEqual(row.special);
    expect(tokenizer.eosTokenId ?? null).toBe(row.eos);
    expect(tokenizer.vocabSize).toBe(row.size);
    expect(tokenizer.vocabulary.size).toBe(row.size);
    expect(tokenizer.decode(row.ids)).toBe(row.shown);
    expect(tokenizer.decode(row.ids, { skipSpecialTokens: true })).toBe(row.skipped);
  });
});

describe("a model's vocabulary", () => {
  const config = (vocabSize: number, ...eosTokenIds: number[]) =>
    ({ vocabSize, eosTokenIds }) as unknown as ModelConfig;
  const named = oracle.rows.find(({ name }) => name === "decoder")!;

  it("ends at the tokenizer's own token where the configuration names none", async () => {
    const tokenizer = await read(named.files);
    expect(vocabularyOf(config(100), tokenizer).eosTokenIds).toEqual([named.eos]);
    expect(vocabularyOf(config(100, 5), tokenizer).eosTokenIds).toEqual([5]);
    expect(vocabularyOf(config(100), undefined).eosTokenIds).toEqual([]);
  });

  it("has the tokens of all files, and padding is never chosen unless it ends the output", async () => {
    const tokenizer = await read(named.files);
    expect(vocabularyOf(config(100, 5), tokenizer).vocabLimit).toBe(named.size);
    expect(vocabularyOf(config(100, 5, 60), tokenizer).vocabLimit).toBe(61);
    expect(vocabularyOf(config(7, 5), tokenizer).vocabLimit).toBe(7);
  });

  it("without a row for the tokenizer's own end is refused", async () => {
    const tokenizer = await read(named.files);
    expect(() => vocabularyOf(config(named.eos!), tokenizer)).toThrow(
      /eos_token has the id \d+, but the model has rows/,
    );
  });
});
