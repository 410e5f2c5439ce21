import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NewTensor } from "../../src/formats/new-tensor.js";
import { writeSafetensors } from "../../src/formats/safetensors/writer.js";
import { elementCount } from "../../src/formats/tensor-source.js";
import { openCheckpoint } from "../../src/models/checkpoint/checkpoint.js";
import { draftToTarget } from "../../src/models/draft-vocabulary.js";
import { DRAFT } from "./models.js";

/** The tokens that it names: the first merges, and some of the others. */
export const PRUNED = Array.from({ length: 4096 }, (_, id) => id).filter((id) => id < 1000 || id % 3 === 1);

/** The embedded draft with an output product over some of its tokens. Returns its folder. */
export async function makePrunedDraft(folder: string): Promise<string> {
  const { source } = await openCheckpoint(DRAFT);
  const tensors: NewTensor[] = [];
  for (const name of source.names()) {
    const { shape } = source.info(name)!;
    const values = new Float32Array(elementCount(shape));
    await source.readRows(name, 0, shape[0], values);
    tensors.push({ name, shape, values });
    if (!name.includes("embed_tokens")) continue;
    const rows = PRUNED.map((id) => values.subarray(id * shape[1], (id + 1) * shape[1]));
    const head = Float32Array.from(rows.flatMap((row) => [...row]));
    tensors.push({ name: "lm_head.weight", shape: [PRUNED.length, shape[1]], values: head });
  }
  await source.close();
  const d2t = draftToTarget(Int32Array.from(PRUNED));
  await writeSafetensors(join(folder, "model.safetensors"), [
    ...tensors,
    { name: "d2t", shape: [d2t.length], values: d2t },
  ]);
  for (const file of ["tokenizer.json", "tokenizer_config.json", "generation_config.json"]) {
    cpSync(join(DRAFT, file), join(folder, file));
  }
  const config = JSON.parse(readFileSync(join(DRAFT, "config.json"), "utf8"));
  const pruned = { ...config, tie_word_embeddings: false, truncated_vocab_size: PRUNED.length };
  writeFileSync(join(folder, "config.json"), JSON.stringify(pruned));
  return folder;
}
