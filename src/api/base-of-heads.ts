import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { cacheDirectory } from "../conversion/cache-directory.js";
import type { TensorSource } from "../formats/tensor-source.js";
import { openCheckpoint } from "../models/checkpoint/checkpoint.js";
import { CheckpointError, UsageError } from "../types/errors.js";
import { escaped } from "../types/shown.js";
import type { LanguageModel } from "./language-model.js";

/**
 * The folder of the model that heads belong to.
 * @param base what their config.json says
 * @param field says it
 * @throws CheckpointError where nothing is said, or no such folder is here
 */
export function baseDirectory(directory: string, base: string | undefined, field: string): string {
  if (base === undefined)
    throw new CheckpointError(`${directory}/config.json names no ${field}: give the base yourself`);
  const nearby = join(directory, base);
  if (!isAbsolute(base) && existsSync(nearby)) return nearby;
  if (existsSync(base)) return base;
  throw new CheckpointError(
    `the heads in ${directory} are for ${escaped(base, 80)}, which is no folder here: give the base yourself`,
  );
}

/** What `make` makes of a base, given or loaded here; where it fails, a base that was loaded here is disposed of. */
export async function onBase<T>(
  given: LanguageModel | undefined,
  load: () => Promise<LanguageModel>,
  make: (base: LanguageModel) => Promise<T>,
): Promise<T> {
  const base = given ?? (await load());
  try {
    return await make(base);
  } catch (error) {
    if (!given) await base.dispose();
    throw error;
  }
}

/** A tensor of the base that heads have no copy of. */
export interface LentTensor {
  /** Its name among the heads' tensors. */
  name: string;
  /** Its name in the base, whose head may be tied to its embedding. */
  of(tied: boolean): string;
  /** What it is, in words. */
  what: string;
}

/** The heads' tensors with one of the base's beside them; closing it closes both. */
export async function withBaseTensor(
  source: TensorSource,
  base: LanguageModel,
  lent: LentTensor,
): Promise<TensorSource> {
  if (!base.directory) {
    throw new UsageError(`these heads share the base's ${lent.what}: load the base from its folder`);
  }
  const { source: tensors, config } = await openCheckpoint(base.directory, join(cacheDirectory(), "digests"));
  return withTensor(source, lent.name, tensors, lent.of(config.tieWordEmbeddings));
}

/** Tensors with one of another source beside them, under a name of its own; closing it closes both. */
export function withTensor(source: TensorSource, name: string, other: TensorSource, theirs: string): TensorSource {
  const place = (asked: string): [TensorSource, string] => (asked === name ? [other, theirs] : [source, asked]);
  return {
    names: () => [...source.names(), name],
    info: (asked) => place(asked)[0].info(place(asked)[1]),
    readRows: (asked, start, count, into) => place(asked)[0].readRows(place(asked)[1], start, count, into),
    digest: async () => `${await source.digest()} ${await other.digest()}`,
    close: async () => {
      await source.close();
      await other.close();
    },
  };
}
