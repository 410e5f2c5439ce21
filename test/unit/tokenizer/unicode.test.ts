import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Tokenizer, type TokenizerJson } from "../../../src/tokenizer/tokenizer.js";
import { readJson } from "../../support/models.js";

const oracle = readJson<{
  model: TokenizerJson["model"];
  pre_tokenizers: Record<string, unknown>;
  lines: string[];
  digests: Record<string, string[]>;
}>("test/oracle/tokenizers-unicode/oracle.json");

describe("a text of all scripts", () => {
  it.each(Object.entries(oracle.pre_tokenizers))("is cut as the Rust library cuts it: %s", (name, pre_tokenizer) => {
    const tokenizer = new Tokenizer({ model: oracle.model, added_tokens: [], pre_tokenizer }, {}, "oracle");
    const digests = oracle.lines.map((line) =>
      createHash("sha256").update(tokenizer.encode(line).join()).digest("hex").slice(0, 16),
    );
    const different = digests.flatMap((digest, i) => (digest === oracle.digests[name][i] ? [] : [i]));
    expect(different).toEqual([]);
  });
});
