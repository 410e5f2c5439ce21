import { expect, expectTypeOf, test } from "vitest";
import {
  type GenerationEvent,
  type GenerationResult,
  type LanguageModel,
  LookaheadDecoding,
  MedusaModel,
  type PromptInput,
} from "../../../src/index.js";

/** The compiler is what tests here: `npm run typecheck` reads this file. */
function typesOf(model: LanguageModel | MedusaModel | LookaheadDecoding): void {
  expectTypeOf(() => model.generate("x")).returns.resolves.toEqualTypeOf<GenerationResult>();
  expectTypeOf(() => model.generate("x", { seed: 1 })).returns.resolves.toEqualTypeOf<GenerationResult>();
  expectTypeOf(() => model.generate("x", { numReturnSequences: 2 })).returns.resolves.toEqualTypeOf<
    GenerationResult[]
  >();
  expectTypeOf(() => model.generate(["x", [1, 2]])).returns.resolves.toEqualTypeOf<GenerationResult[]>();
  expectTypeOf(model.stream).parameter(0).toEqualTypeOf<PromptInput | readonly PromptInput[]>();
  expectTypeOf(model.stream).returns.toEqualTypeOf<AsyncGenerator<GenerationEvent>>();
}

test("every generate has the same types, and is the same function", () => {
  expect(typesOf).toBeTypeOf("function");
  expect(MedusaModel.prototype.generate).toBe(LookaheadDecoding.prototype.generate);
  expect(MedusaModel.prototype.stream).toBe(LookaheadDecoding.prototype.stream);
});
