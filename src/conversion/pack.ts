import { type FileHandle, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFully } from "../files/write-fully.js";
import type { StoredTensor, WeightManifest } from "../models/weight-spec.js";
import { readExternalInitializers } from "../runtime/packed-model.js";
import { Session } from "../runtime/session.js";
import { ForetokenError } from "../types/errors.js";
import { ALIGNMENT } from "./weight-layout.js";

const CHUNK = 16 << 20;

/**
 * Saves the raw weights in `directory`, which `graph` refers to, as ONNX Runtime packs them for this CPU: later sessions map the packed form and
 * share its pages. Removes the raw file. Runtime 1.30 puts tensors and packed forms at any offset; here they are
 * moved to aligned ones.
 */
export async function packWeights(
  graph: Uint8Array,
  raw: WeightManifest,
  directory: string,
  onProgress: (fraction: number) => void,
): Promise<WeightManifest> {
  onProgress(0);
  const saved = { modelPath: join(directory, "saved.onnx"), weightsFile: "saved.bin" };
  (await Session.create({ bytes: graph, weightsDirectory: directory }, { pack: saved })).dispose();
  const packed = readExternalInitializers(await readFile(saved.modelPath));
  await rm(join(directory, raw.file));
  const file = "packed.bin";
  const [from, to] = [await open(join(directory, saved.weightsFile), "r"), await open(join(directory, file), "wx")];
  try {
    const mover = new Mover(from, to);
    const tensors: Record<string, StoredTensor> = {};
    for (const [name, tensor] of Object.entries(raw.tensors)) {
      const found = packed.get(name);
      if (!found) throw new ForetokenError(`packing lost the tensor "${name}"`);
      const offset = await mover.move(found.offset, found.length);
      const extra: Record<string, string> = {};
      for (const [key, value] of Object.entries(found.extra)) extra[key] = await mover.movePacked(value);
      tensors[name] = { ...tensor, offset, length: found.length, extra };
      onProgress(Object.keys(tensors).length / packed.size);
    }
    return { ...raw, file, tensors };
  } finally {
    await from.close();
    await to.close();
    await rm(join(directory, saved.weightsFile));
    await rm(saved.modelPath);
    onProgress(1);
  }
}

/** Copies ranges of one file to aligned places of another. */
class Mover {
  private end = 0;
  private readonly buffer = Buffer.allocUnsafe(CHUNK);

  constructor(
    private readonly from: FileHandle,
    private readonly to: FileHandle,
  ) {}

  /** Returns the new offset. */
  async move(start: number, length: number): Promise<number> {
    const offset = Math.ceil(this.end / ALIGNMENT) * ALIGNMENT;
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.from.read(this.buffer, 0, Math.min(CHUNK, length - done), start + done);
      if (bytesRead === 0) throw new ForetokenError("the packed weights are shorter than they say: check the disk");
      await writeFully(this.to, this.buffer.subarray(0, bytesRead), offset + done);
      done += bytesRead;
    }
    this.end = offset + length;
    return offset;
  }

  /** A packed form is "operator+hash", then for each of its buffers "|offset;length;padding". */
  async movePacked(entry: string): Promise<string> {
    const [key, ...buffers] = entry.split("|");
    const moved = [key];
    for (const buffer of buffers) {
      const [start, length, ...rest] = buffer.split(";");
      moved.push([await this.move(Number(start), Number(length)), length, ...rest].join(";"));
    }
    return moved.join("|");
  }
}
