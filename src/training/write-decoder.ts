import { copyFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NewTensor } from "../formats/new-tensor.js";
import { writeSafetensors } from "../formats/safetensors/writer.js";
import { DRAFT_TO_TARGET, draftToTarget } from "../models/draft-vocabulary.js";
import { ForetokenError } from "../types/errors.js";
import { escaped } from "../types/shown.js";
import type { DecoderWeights } from "./gradient/decoder-weights.js";
import { TORCH_TYPES, type WEIGHT_TYPES } from "./weight-types.js";

/** What weights lie in, in a folder. */
export const WEIGHTS_FILE = "model.safetensors";

/** What says how text becomes token ids and ids text, and when a text ends. */
const TEXT_FILES = [
  ...["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.model"],
  ...["vocab.json", "merges.txt", "chat_template.jinja", "generation_config.json"],
];

/** What a Hugging Face directory holds beside weights. */
export interface DecoderFiles {
  /** config.json, but for the type of weights. */
  json: Readonly<Record<string, unknown>>;
  type: (typeof WEIGHT_TYPES)[number];
  /** The folder that the tokenizer's files are copied from. */
  tokenizerFrom: string;
  card: string;
}

export interface TrainedDecoder extends DecoderFiles {
  weights: DecoderWeights;
  /** Of a draft with a vocabulary of its own: the target's id of each of its tokens. */
  targetIds?: Int32Array;
}

/** Writes config.json, the card and the tokenizer's files. @throws ForetokenError where the disk refuses */
export async function writeDecoderFiles(directory: string, files: DecoderFiles): Promise<void> {
  const { json, type, tokenizerFrom, card } = files;
  const { dtype: _d, torch_dtype: _t, quantization_config: _q, ...rest } = json;
  const config = { ...rest, torch_dtype: TORCH_TYPES[type] };
  try {
    await writeFile(join(directory, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
    await writeFile(join(directory, "README.md"), card);
    const there = await readdir(tokenizerFrom);
    for (const name of TEXT_FILES) {
      if (there.includes(name)) await copyFile(join(tokenizerFrom, name), join(directory, name));
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ForetokenError(
      `${escaped(directory)} cannot be written (${code}): free some space, then resume or try again`,
    );
  }
}

/** Writes a Hugging Face directory; the weights, without which it is none, appear last. */
export async function writeDecoder(directory: string, decoder: TrainedDecoder): Promise<void> {
  const { weights, type, targetIds } = decoder;
  await writeDecoderFiles(directory, decoder);
  const tensors: NewTensor[] = weights.own.flatMap(({ name, dims, parts }) => {
    const values = weights.valuesOf(name);
    const width = dims.length === 2 ? dims[1] : 1;
    let at = 0;
    return parts.map(({ tensor, out }) => {
      const from = at;
      at += out * width;
      return { name: tensor, shape: dims.length === 2 ? [out, width] : [out], values: values.subarray(from, at) };
    });
  });
  if (targetIds) {
    tensors.push({ name: DRAFT_TO_TARGET, shape: [targetIds.length], values: draftToTarget(targetIds) });
  }
  await writeSafetensors(join(directory, WEIGHTS_FILE), tensors, type);
}
