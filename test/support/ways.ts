import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { Dtype, SingleOptions } from "../../src/index.js";
import { makeForeignDraft } from "./foreign-draft.js";
import { medusaModel } from "./medusa-model.js";
import { DRAFT, model } from "./models.js";

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

let foreignDraft: { folder: string; made: Promise<string> } | undefined;

/** A draft that has another tokenizer than the target. To be called where tests are declared: its folder goes after them. */
export function withForeignDraft(method: string, options: Record<string, unknown> = {}): Way {
  afterAll(() => {
    if (foreignDraft) rmSync(foreignDraft.folder, { recursive: true, force: true });
    foreignDraft = undefined;
  });
  return {
    options: async (dtype) => {
      if (!foreignDraft) {
        const folder = mkdtempSync(join(tmpdir(), "foretoken-test-"));
        foreignDraft = { folder, made: makeForeignDraft(folder) };
      }
      const assistantModel = await model(await foreignDraft.made, dtype);
      return { assistantModel, speculation: { method, ...options } };
    },
  };
}
