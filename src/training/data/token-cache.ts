import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../files/make-folder.js";
import { writeFully } from "../../files/write-fully.js";
import type { TrainingExample } from "../training-example.js";
import type { LeftOut } from "./bad-lines.js";

/** Token ids are below it; the bit says whether the token is a label, or in an example's first word that it has a mask. */
const MARK = 2 ** 31;
/** Words that are written at once. */
const BUFFERED = 1 << 16;
/** Data sets that are kept: those used longest ago go. */
const KEPT = 16;

/** What lies in a finished cache. */
interface Note {
  bytes: number;
  leftOut: LeftOut;
}

/** Tokens of a data set that were kept under a key; undefined where there are none, or not all. */
export async function readTokenCache(
  folder: string,
  key: string,
): Promise<{ examples: AsyncIterable<TrainingExample>; leftOut: LeftOut } | undefined> {
  const place = join(folder, key);
  try {
    const note: Note = JSON.parse(await readFile(join(place, "note.json"), "utf8"));
    if ((await stat(join(place, "tokens"))).size !== note.bytes) return undefined;
    await utimes(place, new Date(), new Date()).catch(() => {});
    return { examples: examplesIn(join(place, "tokens")), leftOut: note.leftOut };
  } catch {
    return undefined;
  }
}

async function* examplesIn(path: string): AsyncIterable<TrainingExample> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 4 * BUFFERED })) {
    const bytes = Buffer.concat([rest, chunk as Buffer]);
    let at = 0;
    while (at + 4 <= bytes.length) {
      const head = bytes.readUInt32LE(at);
      const end = at + 4 * (1 + (head % MARK));
      if (end > bytes.length) break;
      const words = Array.from({ length: head % MARK }, (_, i) => bytes.readUInt32LE(at + 4 + 4 * i));
      const tokens = words.map((word) => word % MARK);
      yield head >= MARK ? { tokens, lossMask: words.map((word) => word >= MARK) } : { tokens };
      at = end;
    }
    rest = bytes.subarray(at);
  }
}

/**
 * Writes a cache beside the reading of its data. It only saves time: where it cannot be written there is none. It appears
 * by one rename when all was written.
 */
export class TokenCacheWriter {
  private readonly words = new Uint32Array(BUFFERED);
  private filled = 0;
  private bytes = 0;
  private failed = false;
  private file: FileHandle | undefined;

  private constructor(
    private readonly folder: string,
    private readonly key: string,
    private readonly place: string,
  ) {}

  static async create(folder: string, key: string): Promise<TokenCacheWriter> {
    const writer = new TokenCacheWriter(folder, key, join(folder, `.${key}.${randomUUID()}`));
    await writer.guard(async () => {
      await makeFolder(writer.place);
      writer.file = await open(join(writer.place, "tokens"), "w");
    });
    return writer;
  }

  async add({ tokens, lossMask }: TrainingExample): Promise<void> {
    if (this.failed) return;
    await this.word(tokens.length + (lossMask ? MARK : 0));
    for (let at = 0; at < tokens.length; at++) await this.word(tokens[at] + (lossMask?.[at] ? MARK : 0));
  }

  /** Makes the cache appear. */
  async finish(leftOut: LeftOut): Promise<void> {
    await this.guard(async () => {
      await this.flush();
      await this.file!.sync();
      await this.file!.close();
      this.file = undefined;
      await writeFile(join(this.place, "note.json"), JSON.stringify({ bytes: this.bytes, leftOut } satisfies Note));
      const final = join(this.folder, this.key);
      await rm(final, { recursive: true, force: true });
      await rename(this.place, final);
      await removeOldest(this.folder);
    });
  }

  /** Removes what was not finished. */
  async close(): Promise<void> {
    await this.file?.close().catch(() => {});
    this.file = undefined;
    await rm(this.place, { recursive: true, force: true }).catch(() => {});
  }

  private word(value: number): Promise<void> | undefined {
    if (this.failed) return undefined;
    this.words[this.filled++] = value;
    return this.filled < BUFFERED ? undefined : this.guard(() => this.flush());
  }

  private async flush(): Promise<void> {
    const bytes = new Uint8Array(this.words.buffer, 0, 4 * this.filled);
    this.filled = 0;
    await writeFully(this.file!, bytes, this.bytes);
    this.bytes += bytes.length;
  }

  private async guard(work: () => Promise<void>): Promise<void> {
    if (this.failed) return;
    try {
      await work();
    } catch {
      this.failed = true;
      await this.close();
    }
  }
}

async function removeOldest(folder: string): Promise<void> {
  const places = (await readdir(folder)).map((name) => join(folder, name));
  const used = await Promise.all(places.map(async (place) => ({ place, time: (await stat(place)).mtimeMs })));
  for (const { place } of used.sort((a, b) => b.time - a.time).slice(KEPT)) {
    await rm(place, { recursive: true, force: true });
  }
}
