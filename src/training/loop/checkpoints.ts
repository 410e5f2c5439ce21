import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readJson } from "../../files/json.js";
import { makeFolder } from "../../files/make-folder.js";
import { SafetensorsFile } from "../../formats/safetensors/safetensors.js";
import { writeSafetensors } from "../../formats/safetensors/writer.js";
import { CheckpointError, ForetokenError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";

const NAME = /^step-(\d+)$/;

/** What a training goes on from: arrays, and facts such as the step. */
export interface TrainingState {
  arrays: Readonly<Record<string, Float32Array>>;
  facts: Readonly<Record<string, unknown>>;
}

/**
 * The checkpoints of a training in a folder: each is a folder that appears whole, by a rename, before the one before it goes.
 * A process that is killed at any moment leaves a whole one.
 */
export class Checkpoints {
  constructor(readonly directory: string) {}

  /** The step of the newest checkpoint; undefined where there is none. */
  async newest(): Promise<number | undefined> {
    const steps = await this.steps();
    return steps.length === 0 ? undefined : Math.max(...steps);
  }

  /** @throws ForetokenError where the disk is full or refuses */
  async save(step: number, { arrays, facts }: TrainingState): Promise<void> {
    const path = this.path(step);
    const work = `${path}.tmp`;
    try {
      await makeFolder(this.directory);
      await rm(work, { recursive: true, force: true });
      await mkdir(work);
      const tensors = Object.entries(arrays).map(([name, values]) => ({ name, shape: [values.length], values }));
      await writeSafetensors(join(work, "state.safetensors"), tensors, "F32");
      await writeFile(join(work, "state.json"), JSON.stringify(facts), { flush: true });
      await rm(path, { recursive: true, force: true });
      await rename(work, path);
    } catch (error) {
      await rm(work, { recursive: true, force: true }).catch(() => {});
      if (error instanceof ForetokenError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      throw new ForetokenError(
        `the checkpoint ${escaped(path)} cannot be written (${code}): free some space, then resume`,
      );
    }
    for (const old of await this.steps()) {
      if (old !== step) await rm(this.path(old), { recursive: true, force: true });
    }
  }

  /** Fills `arrays` with those of a checkpoint and returns its facts. @throws CheckpointError where they do not fit */
  async load(step: number, arrays: TrainingState["arrays"]): Promise<Record<string, unknown>> {
    const path = this.path(step);
    const file = await SafetensorsFile.open(join(path, "state.safetensors"));
    try {
      for (const [name, into] of Object.entries(arrays)) {
        if (file.info(name)?.shape[0] !== into.length) {
          throw new CheckpointError(
            `${escaped(path)} is of a training with other options: start again without resuming`,
          );
        }
        await file.readRows(name, 0, into.length, into);
      }
    } finally {
      await file.close();
    }
    return readJson(join(path, "state.json"));
  }

  private path(step: number): string {
    return join(this.directory, `step-${step}`);
  }

  private async steps(): Promise<number[]> {
    const names = await readdir(this.directory).catch(() => []);
    return names.flatMap((name) => (NAME.test(name) ? [Number(NAME.exec(name)![1])] : []));
  }
}
