import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { makeFolder } from "../../files/make-folder.js";
import { ForetokenError, UsageError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";
import { Checkpoints } from "./checkpoints.js";

/** What was computed once, and checkpoints, lie here, in the output, until the result is written. */
const WORK = ".training";

export interface OutputFolder {
  work: string;
  checkpoints: Checkpoints;
  /** The step to go on from. */
  resumeFrom: number | undefined;
}

/**
 * Makes the output's folder, before any long work.
 * @param result the file that a finished training leaves
 * @throws UsageError where it holds something already; ForetokenError where it cannot be written
 */
export async function prepareOutput(output: string, result: string, resume: boolean): Promise<OutputFolder> {
  const work = join(output, WORK);
  assertWithout(output, result);
  const checkpoints = new Checkpoints(join(work, "checkpoints"));
  const newest = await checkpoints.newest();
  if (newest !== undefined && !resume) {
    throw new UsageError(`${escaped(output)} holds a training that has not ended: resume it, or choose another output`);
  }
  await makeWritable(work, output);
  return { work, checkpoints, resumeFrom: newest };
}

/** @throws UsageError where the output holds the result's file already */
export function assertWithout(output: string, result: string): void {
  if (!existsSync(join(output, result))) return;
  throw new UsageError(`${escaped(output)} holds ${result} already: choose another output, or remove them`);
}

/** Makes a folder, of an output or itself one, and tries to write in it. @throws ForetokenError where that cannot be done */
export async function makeWritable(folder: string, output = folder): Promise<void> {
  try {
    await makeFolder(folder);
    const probe = join(folder, "probe");
    await writeFile(probe, "");
    await rm(probe);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ForetokenError(`the output ${escaped(output)} cannot be written (${code}): choose another folder`);
  }
}

/** A base's folder as seen from an output: relative, as folders are moved together; absolute across drives. */
export function pathFrom(directory: string, base: string): string {
  const path = relative(resolve(directory), resolve(base));
  return isAbsolute(path) ? path : path.replaceAll("\\", "/");
}
