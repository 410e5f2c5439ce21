import { expect, expectTypeOf, test } from "vitest";
import {
  AutoModelForCausalLM,
  type GenerateOptions,
  type GenerationEvent,
  type GenerationResult,
  type LanguageModel,
  LookaheadDecoding,
  type MedusaGenerateOptions,
  MedusaModel,
  type PromptInput,
  type SingleOptions,
} from "../../../src/index.js";
import { DRAFT } from "../../support/models.js";

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
  const any = {} as GenerateOptions;
  const some = { numReturnSequences: any.numReturnSequences };
  expectTypeOf(() => model.generate("x", any)).returns.resolves.toEqualTypeOf<GenerationResult | GenerationResult[]>();
  expectTypeOf(() => model.generate("x", some)).returns.resolves.toEqualTypeOf<GenerationResult | GenerationResult[]>();
  expectTypeOf(() => model.generate(["x"], any)).returns.resolves.toEqualTypeOf<GenerationResult[]>();
  expectTypeOf(() => model.generate("x", {} as SingleOptions)).returns.resolves.toEqualTypeOf<GenerationResult>();
  expectTypeOf(() => model.generate("x", { ...any, numReturnSequences: 2 })).returns.resolves.toEqualTypeOf<
    GenerationResult[]
  >();
  // @ts-expect-error a misspelt option
  expectTypeOf(() => model.generate("x", { maxNewToken: 3 })).toBeFunction();
}

function medusaTypes(model: MedusaModel): void {
  const typical = { posteriorThreshold: 0.1 };
  expectTypeOf(() => model.medusaGenerate("x")).returns.resolves.toEqualTypeOf<GenerationResult>();
  expectTypeOf(() => model.medusaGenerate("x", typical)).returns.resolves.toEqualTypeOf<GenerationResult>();
  expectTypeOf(() => model.medusaGenerate("x", { ...typical, numReturnSequences: 2 })).returns.resolves.toEqualTypeOf<
    GenerationResult[]
  >();
  expectTypeOf(() => model.medusaGenerate(["x", [1, 2]], typical)).returns.resolves.toEqualTypeOf<GenerationResult[]>();
  expectTypeOf(() => model.medusaGenerate("x", {} as MedusaGenerateOptions)).returns.resolves.toEqualTypeOf<
    GenerationResult | GenerationResult[]
  >();
}

test("every generate has the same types", () => {
  expect([typesOf, medusaTypes]).toHaveLength(2);
  expect(MedusaModel.prototype.stream).toBe(LookaheadDecoding.prototype.stream);
});

test("several samples are a list, one is a result, as the types say", async () => {
  const model = await AutoModelForCausalLM.fromPretrained(DRAFT);
  const lookahead = new LookaheadDecoding({ model });
  for (const { generate } of [model, lookahead]) {
    const options = { maxNewTokens: 2, temperature: 1, seed: 1 };
    const one = await generate("Once", options);
    const two = await generate("Once", { ...options, numReturnSequences: 2 });
    expect(two).toHaveLength(2);
    expect(two[0].tokenIds).toEqual(one.tokenIds);
    expect(await generate(["Once"], options)).toHaveLength(1);
  }
  await model.dispose();
});
