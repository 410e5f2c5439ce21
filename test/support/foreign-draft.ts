import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeSafetensors } from "../../src/formats/safetensors/writer.js";
import { elementCount } from "../../src/formats/tensor-source.js";
import { openCheckpoint } from "../../src/models/checkpoint/checkpoint.js";
import { DRAFT } from "./models.js";

/** Tokens that the other tokenizer keeps: the special one, the bytes, and the first merges. */
const KEPT = 2600;
const BYTES = 257;

/**
 * The embedded draft with another tokenizer: fewer merges, so that rarer words have more tokens, and all ids in another
 * order. Returns its folder.
 */
export async function makeForeignDraft(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const { source } = await openCheckpoint(DRAFT);
  const moved = (id: number) => (id === 0 ? 0 : KEPT - id);
  const tensors = [];
  for (const name of source.names()) {
    const { shape } = source.info(name)!;
    const values = new Float32Array(elementCount(shape));
    await source.readRows(name, 0, shape[0], values);
    if (!name.includes("embed_tokens")) {
      tensors.push({ name, shape, values });
      continue;
    }
    const width = shape[1];
    const table = new Float32Array(KEPT * width);
    for (let id = 0; id < KEPT; id++) table.set(values.subarray(id * width, (id + 1) * width), moved(id) * width);
    tensors.push({ name, shape: [KEPT, width], values: table });
  }
  await source.close();
  await writeSafetensors(join(folder, "model.safetensors"), tensors);
  const read = (file: string) => JSON.parse(readFileSync(join(DRAFT, file), "utf8"));
  const write = (file: string, value: unknown) => writeFileSync(join(folder, file), JSON.stringify(value));
  const tokenizer = read("tokenizer.json");
  const vocabulary = Object.entries<number>(tokenizer.model.vocab).filter(([, id]) => id < KEPT);
  tokenizer.model.vocab = Object.fromEntries(vocabulary.map(([piece, id]) => [piece, moved(id)]));
  tokenizer.model.merges = tokenizer.model.merges.slice(0, KEPT - BYTES);
  write("tokenizer.json", tokenizer);
  write("tokenizer_config.json", read("tokenizer_config.json"));
  write("config.json", { ...read("config.json"), vocab_size: KEPT });
  return folder;
}
