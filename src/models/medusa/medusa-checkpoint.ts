import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { readJsonIfPresent } from "../../files/json.js";
import { assertPath } from "../../files/no-directory.js";
import { PytorchFile } from "../../formats/pytorch/pytorch.js";
import { SafetensorsFile } from "../../formats/safetensors/safetensors.js";
import type { TensorSource } from "../../formats/tensor-source.js";
import { hasWeights, openWeights } from "../../formats/weight-files.js";
import { CheckpointError } from "../../types/errors.js";
import { escaped, shown } from "../../types/shown.js";
import { readTokenMap, TOKEN_MAP } from "../draft-vocabulary.js";
import { hasEagleNames } from "../eagle/eagle-names.js";
import { headsIn, headTensors, MEDUSA, type MedusaHeadTensors, type MedusaLayout } from "./medusa-layouts.js";

export type { MedusaHeadTensors };

export interface MedusaCheckpoint {
  directory: string;
  source: TensorSource;
  heads: readonly MedusaHeadTensors[];
  hiddenSize: number;
  /** Rows of the heads' own output products; absent when all share the base's. */
  vocabSize?: number;
  /** The base's ids of the tokens that the heads can name, where they are not all. */
  targetIds?: Int32Array;
  /** `base_model_name_or_path` of config.json. */
  base?: string;
  /** Whether the base model's own tensors lie beside the heads, in the same files. */
  holdsBase: boolean;
  /** How often each rank of each head was right on held-out text, when whoever made the heads measured it. */
  accuracies?: readonly (readonly number[])[];
}

const FILES = ["medusa_lm_head.safetensors", "medusa_lm_head.pt"] as const;
/**
 * Opens a folder of Medusa heads: config.json and medusa_lm_head.safetensors or .pt, as Medusa's repository and its
 * descendants write them; a whole model with heads among its tensors; or vLLM's layout. Reads names and shapes only.
 * @throws CheckpointError naming file and tensor
 */
export async function openMedusaCheckpoint(directory: string): Promise<MedusaCheckpoint> {
  assertPath(directory, "loading Medusa heads");
  const info = await stat(directory).catch(() => undefined);
  if (!info?.isDirectory()) {
    throw new CheckpointError(
      `no folder of Medusa heads at ${escaped(directory)}: give one with ${FILES.join(" or ")}`,
    );
  }
  const config = (await readJsonIfPresent(join(directory, "config.json"))) ?? {};
  const { source, path, layout, names, holdsBase } = await openHeads(directory);
  try {
    const tensors = names.filter((name) => name !== TOKEN_MAP);
    const heads = headsIn(tensors, layout, path, config.original_lm_head === true);
    const at = escaped(path);
    checkCount(config[layout.headsKey], heads.length, `${at} has ${heads.length} heads`, layout.headsKey);
    const blocks = heads[0].blocks.length;
    checkCount(config[layout.blocksKey], blocks, `the heads in ${at} have ${blocks} ResBlocks`, layout.blocksKey);
    const { base_model_name_or_path: base, medusa_accuracies: accuracies } = config;
    const targetIds = await readTokenMap(source, at);
    return {
      directory,
      source,
      heads,
      holdsBase,
      ...sizes(source, heads, at),
      ...(targetIds && { targetIds }),
      ...(typeof base === "string" && { base }),
      ...(isAccuracies(accuracies, heads.length) && { accuracies }),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

interface HeadFiles {
  source: TensorSource;
  /** Named in errors. */
  path: string;
  layout: MedusaLayout;
  /** The heads' tensors; `source` may hold others. */
  names: string[];
  holdsBase: boolean;
}

async function openHeads(directory: string): Promise<HeadFiles> {
  const files = await readdir(directory);
  const name = FILES.find((file) => files.includes(file));
  if (name) {
    const path = join(directory, name);
    const source: TensorSource = name.endsWith(".pt") ? await PytorchFile.open(path) : await SafetensorsFile.open(path);
    return { source, path, layout: MEDUSA, names: [...source.names()], holdsBase: false };
  }
  if (hasWeights(files)) {
    const source = await openWeights(directory, files, []);
    const names = [...source.names()];
    const found = headTensors(names);
    const holdsBase = names.some((tensor) => tensor.endsWith("embed_tokens.weight"));
    if (found) return { source, path: directory, ...found, holdsBase };
    await source.close();
    if (hasEagleNames(names)) {
      throw new CheckpointError(
        `${escaped(directory)} holds EAGLE heads, not Medusa's: EagleModel takes those of EAGLE-3, others are not supported`,
      );
    }
  }
  throw new CheckpointError(
    `${escaped(directory)} has no ${FILES.join(" and no ")}, and no tensors of heads beside a model's: is it a folder of Medusa heads?`,
  );
}

function sizes(source: TensorSource, heads: readonly MedusaHeadTensors[], path: string) {
  const of = (name: string) => source.info(name)!.shape;
  const hiddenSize = heads[0].lmHead ? of(heads[0].lmHead)[1] : of(heads[0].blocks[0].weight)[1];
  const vocabSize = heads.find((head) => head.lmHead)?.lmHead;
  const rows = vocabSize === undefined ? undefined : of(vocabSize)[0];
  for (const { blocks, lmHead } of heads) {
    for (const { weight, bias } of blocks) {
      expectShape(of(weight), [hiddenSize, hiddenSize], weight, path);
      if (bias) expectShape(of(bias), [hiddenSize], bias, path);
    }
    if (lmHead) expectShape(of(lmHead), [rows!, hiddenSize], lmHead, path);
  }
  return { hiddenSize, ...(rows !== undefined && { vocabSize: rows }) };
}

function expectShape(shape: readonly number[], expected: readonly number[], name: string, path: string): void {
  if (shape.length === expected.length && shape.every((size, i) => size === expected[i])) return;
  throw new CheckpointError(
    `${path}: tensor ${shown(name)} has shape [${shape}], expected [${expected}] like the others`,
  );
}

function checkCount(said: unknown, found: number, what: string, key: string): void {
  if (said === undefined || said === found) return;
  throw new CheckpointError(`${what} but ${key} in config.json is ${shown(said)}: the files do not belong together`);
}

/** Accuracies that say nothing about these heads are no use: trees are then made for typical ones. */
function isAccuracies(value: unknown, heads: number): value is number[][] {
  const isRate = (rate: unknown) => typeof rate === "number" && rate >= 0 && rate <= 1;
  const isHead = (head: unknown) => Array.isArray(head) && head.length > 0 && head.every(isRate);
  return Array.isArray(value) && value.length === heads && value.every(isHead);
}
