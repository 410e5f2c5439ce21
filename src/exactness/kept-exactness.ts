import { createHash, randomBytes } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ConvertedModel } from "../conversion/converted-model.js";
import type { AttentionOperator } from "../engine/pass-runners.js";
import { cpuFeatures, cpuIdentity } from "../runtime/cpu.js";
import { threadCount } from "../runtime/environment.js";
import { nativeOperators } from "../runtime/native-operators.js";
import { ortVersion } from "../runtime/ort-library.js";
import type { Exactness } from "../types/exactness.js";
import type { CacheDtype } from "../types/model-config.js";
import { MOST_COPIES } from "./row-counts.js";

/** Raise when the check changes, so that models are checked again. */
const CHECK = 2;

/** How a model attends, and holds keys and values. */
export interface Attends {
  attention: AttentionOperator;
  cacheDtype: CacheDtype;
}

/** What was found for a converted model on this CPU, with this runtime and number of threads; undefined where nobody looked. */
export async function keptExactness(converted: ConvertedModel, how: Attends): Promise<Exactness | undefined> {
  try {
    const kept: unknown = JSON.parse(await readFile(pathFor(converted, how), "utf8"));
    return isExactness(kept) ? kept : undefined;
  } catch {
    return undefined; // not there, or damaged: checked again
  }
}

/** Keeps it beside the weights, whole or not at all. A cache that cannot be written only costs the check at each load. */
export async function keepExactness(converted: ConvertedModel, how: Attends, exactness: Exactness): Promise<void> {
  const path = pathFor(converted, how);
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
  try {
    await writeFile(temporary, `${JSON.stringify(exactness)}\n`);
    await rename(temporary, path);
  } catch {
    await rm(temporary, { force: true }).catch(() => {});
  }
}

function pathFor(
  { directory, manifest: { dtype, product, q8Signed } }: ConvertedModel,
  { attention, cacheDtype }: Attends,
): string {
  const { kernels, checksum } = nativeOperators();
  const parts = [
    CHECK,
    cpuIdentity(),
    cpuFeatures(),
    ortVersion(),
    threadCount(),
    kernels,
    checksum,
    attention,
    cacheDtype,
    dtype,
    product,
    q8Signed,
  ];
  const key = createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
  return join(directory, `exactness-${key}.json`);
}

function isExactness(value: unknown): value is Exactness {
  if (typeof value !== "object" || value === null) return false;
  const { level, maxDifference, leastRows, leastHiddenRows, differingRows } = value as Partial<Exactness>;
  const isCount = (n: unknown) => Number.isInteger(n) && (n as number) >= 1 && (n as number) <= MOST_COPIES;
  return (
    (level === "bit-exact" || level === "up to rounding") &&
    typeof maxDifference === "number" &&
    isCount(leastRows) &&
    isCount(leastHiddenRows) &&
    Array.isArray(differingRows) &&
    differingRows.every((rows) => Number.isInteger(rows))
  );
}
