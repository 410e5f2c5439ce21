import { createHash, randomUUID } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../files/make-folder.js";
import { elementCount, type TensorSource } from "../../formats/tensor-source.js";
import { EMBEDDING, HEAD } from "./tensor-names.js";

/** Elements compared at a stretch. */
const PANEL = 1 << 20;

/**
 * Whether a checkpoint that says its head is tied to its embedding holds a head with other values. transformers 5 then
 * uses that head (modeling_utils.py, tie_weights). Both are read to tell; with `memo`, a folder, the answer is
 * remembered for these files.
 */
export async function hasOwnHead(source: TensorSource, memo?: string): Promise<boolean> {
  const names = new Set(source.names());
  if (!names.has(EMBEDDING) || !names.has(HEAD)) return false;
  if (memo === undefined) return differ(source);
  const name = createHash("sha256")
    .update(`own head ${await source.digest()}`)
    .digest("hex");
  const note = join(memo, `${name}.json`);
  const known = await readFile(note, "utf8").catch(() => undefined);
  if (known === "true" || known === "false") return known === "true";
  const answer = await differ(source);
  try {
    await makeFolder(memo);
    const temporary = `${note}.${randomUUID()}.tmp`;
    await writeFile(temporary, String(answer));
    await rename(temporary, note);
  } catch {
    // A read-only or full cache: they are compared again next time.
  }
  return answer;
}

async function differ(source: TensorSource): Promise<boolean> {
  const [{ shape }, { shape: other }] = [source.info(EMBEDDING)!, source.info(HEAD)!];
  if (shape.length !== 2 || other.length !== 2 || shape.some((size, i) => size !== other[i])) return true;
  const width = elementCount(shape.slice(1));
  const most = Math.max(1, Math.floor(PANEL / width));
  const [rows, otherRows] = [new Float32Array(most * width), new Float32Array(most * width)];
  for (let start = 0; start < shape[0]; start += most) {
    const count = Math.min(most, shape[0] - start);
    await source.readRows(EMBEDDING, start, count, rows);
    await source.readRows(HEAD, start, count, otherRows);
    for (let i = 0; i < count * width; i++) if (rows[i] !== otherRows[i]) return true;
  }
  return false;
}
