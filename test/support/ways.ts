import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { Dtype, SingleOptions } from "../../src/index.js";
import { makeForeignDraft } from "./foreign-draft.js";
import { medusaModel } from "./medusa-model.js";
import { DRAFT, model } from "./models.js";
import { makePrunedDraft } from "./pruned-draft.js";

/** One way to use a method. */
export interface Way {
  /** The options of `generate`, with models of this dtype. */
  options(dtype: Dtype): Promise<SingleOptions>;
  /** Whether it looks at rows off the text, which a replay has to guess. */
  guesses?: boolean;
}

/** A way without models: `speculation` only. */
export function alone(method: string, options: Record<string, unknown> = {}): Way {
  return { options: async () => ({ speculation: { method, ...options } }) };
}

export function withHeads(method: string, options: Record<string, unknown> = {}): Way {
  return {
    options: async (dtype) => ({ speculation: { method, heads: (await medusaModel(dtype)).heads, ...options } }),
  };
}

export function withDraft(method: string, options: Record<string, unknown> = {}): Way {
  return {
    options: async (dtype) => ({ assistantModel: await model(DRAFT, dtype), speculation: { method, ...options } }),
  };
}

type Make = (folder: string) => Promise<string>;
const made = new Map<Make, { folder: string; made: Promise<string> }>();

/** The folder of a draft that is made once in a test file. To be called where tests are declared: it goes after them. */
export function madeDraft(make: Make): () => Promise<string> {
  afterAll(() => {
    const known = made.get(make);
    if (known) rmSync(known.folder, { recursive: true, force: true });
    made.delete(make);
  });
  return () => {
    const known = made.get(make);
    if (known) return known.made;
    const folder = mkdtempSync(join(tmpdir(), "foretoken-test-"));
    const result = make(folder);
    made.set(make, { folder, made: result });
    return result;
  };
}

function withMadeDraft(make: Make, method: string, options: Record<string, unknown>): Way {
  const folder = madeDraft(make);
  return {
    options: async (dtype) => ({
      assistantModel: await model(await folder(), dtype),
      speculation: { method, ...options },
    }),
  };
}

/** A draft that has another tokenizer than the target. */
export function withForeignDraft(method: string, options: Record<string, unknown> = {}): Way {
  return withMadeDraft(makeForeignDraft, method, options);
}

/** A draft that names some of the target's tokens. */
export function withPrunedDraft(method: string, options: Record<string, unknown> = {}): Way {
  return withMadeDraft(makePrunedDraft, method, options);
}
