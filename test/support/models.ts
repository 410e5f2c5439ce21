import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { CausalLM } from "../../src/engine/causal-lm.js";
import { AutoModelForCausalLM, type Dtype, type Exactness, LanguageModel } from "../../src/index.js";
import { afterEachFile } from "./after-each-file.js";

// One cache for all test files: conversions are content-addressed, so sharing them is safe.
process.env.FORETOKEN_CACHE ??= join(tmpdir(), "foretoken-test-cache");
const SHARED_CACHE = process.env.FORETOKEN_CACHE;

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

/** A new folder under the system's temporary one, removed after the test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "foretoken-test-"));
  temporary.push(folder);
  return folder;
}

const temporary: string[] = [];
afterEachFile.push(() => {
  process.env.FORETOKEN_CACHE = SHARED_CACHE;
  for (const folder of temporary.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Puts a converted model of the shared cache into the cache that is in use, without what was found of its exactness. */
export async function copyConverted(directory: string, dtype: Dtype = "q8"): Promise<void> {
  const cache = process.env.FORETOKEN_CACHE!;
  process.env.FORETOKEN_CACHE = SHARED_CACHE;
  const lm = await AutoModelForCausalLM.fromPretrained(directory, { dtype });
  process.env.FORETOKEN_CACHE = cache;
  const converted = lm.model.options.directory;
  await lm.dispose();
  const filter = (path: string) => !basename(path).startsWith("exactness-");
  cpSync(converted, join(cache, "models", basename(converted)), { recursive: true, filter });
}

/** The same weights as if the check had found this: to force what other CPUs need. Dispose of it. */
export async function withExactness(lm: LanguageModel, exactness: Partial<Exactness>): Promise<LanguageModel> {
  const model = await CausalLM.load({ ...lm.model.options, exactness: { ...lm.exactness, ...exactness } });
  return new LanguageModel(model, lm.tokenizer, lm.directory);
}
