import { elementCount } from "../../src/formats/tensor-source.js";
import type { MedusaLayout } from "../../src/training/medusa/layouts.js";
import { writeHeads } from "../../src/training/medusa/write-heads.js";
import { temporaryFolder } from "./models.js";

export const [HEADS, LAYERS, WIDTH, VOCABULARY] = [2, 2, 8, 24];

/** By the names that training gives them: "heads.0.blocks.1.bias", "heads.0.lm_head"; "base" is the base's output product. */
export const values = new Map<string, Float32Array>();
const spec = (name: string, dims: number[]) => {
  const first = 13 * values.size;
  const at = (_: unknown, i: number) => (((i * 37 + first) % 64) - 32) / 8;
  values.set(name, Float32Array.from({ length: elementCount(dims) }, at));
  return { name, dims };
};
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const blocks = numbers(HEADS).flatMap((head) =>
  numbers(LAYERS).flatMap((block) => [
    spec(`heads.${head}.blocks.${block}`, [WIDTH, WIDTH]),
    spec(`heads.${head}.blocks.${block}.bias`, [WIDTH]),
  ]),
);
const products = numbers(HEADS).map((head) => spec(`heads.${head}.lm_head`, [VOCABULARY, WIDTH]));
const base = spec("base", [VOCABULARY, WIDTH]);

/** The tokens that small heads can name, of 40. */
export const NAMED = Int32Array.from({ length: VOCABULARY }, (_, i) => i + Math.floor(i / 2));

/**
 * Writes small heads, all of whose values every type keeps, to a new folder.
 * @param targetIds the tokens that they can name, where these are not all
 */
export async function written(
  layout: MedusaLayout,
  shared: boolean,
  type: "F16" | "BF16" | "F32",
  targetIds?: Int32Array,
): Promise<string> {
  const directory = temporaryFolder();
  const specs = shared ? blocks : [...blocks, ...products];
  await writeHeads(directory, {
    ...{ layout, heads: HEADS, layers: LAYERS, hiddenSize: WIDTH, specs, type, targetIds },
    vocabSize: targetIds ? 40 : VOCABULARY,
    valuesOf: (name) => values.get(name)!,
    ...(shared && { sharedHead: { shape: base.dims, values: values.get("base")! } }),
    ...{ accuracies: [[0.5], [0.25]], base: "../base", card: "# Heads\n" },
  });
  return directory;
}
