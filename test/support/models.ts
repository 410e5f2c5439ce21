import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AutoModelForCausalLM, type Dtype, type LanguageModel } from "../../src/index.js";

// One cache for all test files: conversions are content-addressed, so sharing them is safe.
process.env.FORETOKEN_CACHE ??= join(tmpdir(), "foretoken-test-cache");

export const TARGET = "models/target";
export const DRAFT = "models/draft";

const loaded = new Map<string, Promise<LanguageModel>>();

/** A model of the repository, loaded once in each test file. */
export function model(directory: string, dtype: Dtype): Promise<LanguageModel> {
  const key = `${directory} ${dtype}`;
  let found = loaded.get(key);
  if (!found) {
    found = AutoModelForCausalLM.fromPretrained(directory, { dtype });
    loaded.set(key, found);
  }
  return found;
}

export interface PromptCase {
  id: string;
  kind: string;
  prompt: string;
}

export function prompts(): PromptCase[] {
  return readFileSync("test/golden/prompts.jsonl", "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

export function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** A new folder under the system's temporary one. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "foretoken-test-"));
}
