import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { decoderBlueprint, findConverted } from "../../src/conversion/converted-model.js";
import { DamagedModelError, readStoredModel } from "../../src/conversion/stored-model.js";
import { weightFormat } from "../../src/conversion/weight-format.js";
import { AutoModelForCausalLM, DTYPES, type Dtype } from "../../src/index.js";
import { openCheckpoint } from "../../src/models/checkpoint/checkpoint.js";
import { copyConverted, DRAFT, temporaryFolder } from "../support/models.js";

/** A manifest that does not say what lies in the weight file, whatever its form: never used, made again. */
const cacheBefore = process.env.FORETOKEN_CACHE;
afterAll(() => {
  process.env.FORETOKEN_CACHE = cacheBefore;
});

// biome-ignore lint/suspicious/noExplicitAny: damaged on purpose
type Model = any;

/** The first product's weight: "layers.0.gate" itself, its tiles or its bytes. */
function weight({ manifest }: Model): { name: string; tensor: Model } {
  const name = Object.keys(manifest.tensors).find((name) => /^layers\.0\.gate(\.tiles|\.q)?$/.test(name))!;
  return { name, tensor: manifest.tensors[name] };
}

/** Rewrites the first buffer of the first packed form. */
function repack(model: Model, change: (offset: number, length: number) => (number | string)[]): void {
  const { extra } = weight(model).tensor;
  const [key] = Object.keys(extra);
  extra[key] = extra[key].replace(/\|(\d+);(\d+);/, (_: string, o: string, l: string) => {
    return `|${change(+o, +l).join(";")};`;
  });
}

const change = (fields: (tensor: Model) => object) => (model: Model) => {
  const { tensor } = weight(model);
  Object.assign(tensor, fields(tensor));
};

const DAMAGES: Record<string, (model: Model) => void> = {
  "a gain's offset a page off": ({ manifest }) => {
    manifest.tensors["layers.0.mlp_norm"].offset -= 4096;
  },
  "an offset that is not aligned": change(({ offset }) => ({ offset: offset + 1 })),
  "a tensor outside": change(({ offset }) => ({ offset: offset + 500e6 })),
  "a tensor before the file": change(() => ({ offset: -4096 })),
  "a short tensor": change(() => ({ length: 16 })),
  "a shape that is text": change(() => ({ shape: "x" })),
  "a shape of the same size": change(({ shape }) => ({ shape: [...shape].reverse() })),
  "a flat shape": change(({ shape }) => ({ shape: [shape.reduce((product: number, n: number) => product * n, 1)] })),
  "a type of the same size": change(({ type }) => ({ type: type === "u8" ? "i8" : "u8" })),
  "a tensor of another name": (model) => {
    const { name, tensor } = weight(model);
    delete model.manifest.tensors[name];
    model.manifest.tensors[`${name}.old`] = tensor;
  },
  "no tensors": ({ manifest }) => {
    delete manifest.tensors;
  },
  "another product": ({ manifest }) => {
    manifest.product = manifest.product === "MatMulNBits" ? "SkinnyMatMul" : "MatMulNBits";
  },
  "another dtype": ({ manifest }) => {
    manifest.dtype = manifest.dtype === "q8" ? "q4" : "q8";
  },
  "another sign": ({ manifest }) => {
    manifest.q8Signed = !manifest.q8Signed;
  },
  "a file elsewhere": ({ manifest }) => {
    manifest.file = "../../elsewhere.bin";
  },
};

const PACKED_DAMAGES: typeof DAMAGES = {
  "a packed form off its alignment": (model) => repack(model, (o, l) => [o + 1, l]),
  "a packed form outside": (model) => repack(model, (o, l) => [o + 500e6, l]),
  "a packed form before the file": (model) => repack(model, (_, l) => [-4096, l]),
  "a short packed form": (model) => repack(model, (o) => [o, 16]),
  "a packed form that is text": change(() => ({ extra: { prepacked_0: "x|y" } })),
  "no packed form": change(() => ({ extra: {} })),
};

describe.each(DTYPES)("%s", (dtype) => {
  let pristine: string;
  let right: readonly number[];
  let directory: string;
  beforeAll(async () => {
    pristine = join(temporaryFolder(), "pristine");
    process.env.FORETOKEN_CACHE = pristine;
    await copyConverted(DRAFT, dtype);
    right = (await load(dtype)).tokenIds;
  });
  beforeEach(() => {
    const cache = join(temporaryFolder(), "cache");
    cpSync(pristine, cache, { recursive: true, preserveTimestamps: true });
    process.env.FORETOKEN_CACHE = cache;
    directory = join(cache, "models", readdirSync(join(cache, "models"))[0]);
  });

  test("what is not damaged is found", async () => {
    expect(await found(dtype)).toBe(true);
    expect((await load(dtype)).converted).toBe(false);
  });

  test.each(Object.entries(DAMAGES))("%s is damage, also where the checksum is right", async (_, damage) => {
    await expectDamage(dtype, directory, damage);
  });

  test.each(Object.entries(PACKED_DAMAGES))("%s is damage, if there is one", async (_, damage) => {
    // Which dtypes are packed depends on the CPU; fp32 always is.
    if (weight(read(directory)).tensor.extra) await expectDamage(dtype, directory, damage);
    else expect(dtype).not.toBe("fp32");
  });

  test.each(["another product", "a shape of the same size"])("the model is made again after %s", async (name) => {
    write(directory, DAMAGES[name], true);
    expect(await load(dtype)).toEqual({ tokenIds: right, converted: true });
  });
});

async function expectDamage(dtype: Dtype, directory: string, damage: (model: Model) => void): Promise<void> {
  const before = readFileSync(join(directory, "model.json"));
  write(directory, damage, false);
  await expect(readStoredModel(directory)).rejects.toThrow(DamagedModelError);
  expect(await found(dtype)).toBe(false);
  writeFileSync(join(directory, "model.json"), before);
  write(directory, damage, true);
  expect(await found(dtype)).toBe(false);
}

function read(directory: string): Model {
  return JSON.parse(readFileSync(join(directory, "model.json"), "utf8"));
}

/** Damages the manifest on disk, its own checksum made right or not. */
function write(directory: string, damage: (model: Model) => void, digest: boolean): void {
  const model = read(directory);
  damage(model);
  if (digest) {
    const text = JSON.stringify(model.manifest);
    model.digest = createHash("sha256").update(text).digest("hex");
  }
  writeFileSync(join(directory, "model.json"), JSON.stringify(model));
}

/** Whether the cache's model is taken for whole. */
async function found(dtype: Dtype): Promise<boolean> {
  const { source, config } = await openCheckpoint(DRAFT, join(process.env.FORETOKEN_CACHE!, "digests"));
  try {
    return (await findConverted(source, decoderBlueprint(config), await weightFormat(dtype))) !== undefined;
  } finally {
    await source.close();
  }
}

async function load(dtype: Dtype) {
  let converted = false;
  const progressCallback = () => {
    converted = true;
  };
  const lm = await AutoModelForCausalLM.fromPretrained(DRAFT, { dtype, progressCallback });
  const { tokenIds } = await lm.generate([5, 6, 7], { maxNewTokens: 8 });
  await lm.dispose();
  return { tokenIds, converted };
}
