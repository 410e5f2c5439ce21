import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { rowInvariance } from "../../src/exactness/row-invariance.js";
import { AutoModelForCausalLM, type Dtype, type Exactness, runtimeInfo } from "../../src/index.js";
import { nativeOperators } from "../../src/runtime/native-operators.js";
import { foretoken } from "../support/cli.js";
import { copyConverted, DRAFT, TARGET, temporaryFolder } from "../support/models.js";
import { some, tier } from "../support/tier.js";

/** Exactness is found when a model is first loaded, kept beside it, and said everywhere as it was found. */
let cache: string;
beforeEach(() => {
  cache = temporaryFolder();
  process.env.FORETOKEN_CACHE = cache;
});

const UNCURED: Exactness = {
  level: "up to rounding",
  maxDifference: 0.0125,
  leastRows: 2,
  leastHiddenRows: 1,
  differingRows: [5, 6, 9],
};
const WORDS =
  /up to rounding \(rows differ by up to 1\.3e-2 with their number in a pass, in products of 5, 6, 9 rows\)/;

/** The files that keep what was found, in all converted models. */
function kept(): string[] {
  const models = join(cache, "models");
  const folders = existsSync(models) ? readdirSync(models) : [];
  return folders.flatMap((folder) =>
    readdirSync(join(models, folder))
      .filter((name) => name.startsWith("exactness-"))
      .map((name) => join(models, folder, name)),
  );
}

async function load(dtype: Dtype = "q4"): Promise<Exactness> {
  await using lm = await AutoModelForCausalLM.fromPretrained(DRAFT, { dtype });
  return lm.exactness;
}

test.each(["fp32", "q8", "q4"] as Dtype[])("%s: what is found is what the model's rows show", async (dtype) => {
  await using lm = await AutoModelForCausalLM.fromPretrained(DRAFT, { dtype });
  const { exactness } = lm;
  const { rows, identical, maxDifference } = await rowInvariance(lm.model);
  expect(exactness.level).toBe(identical === rows ? "bit-exact" : "up to rounding");
  expect(exactness.maxDifference).toBeGreaterThanOrEqual(maxDifference);
  expect(kept()).toHaveLength(1);
  expect(kept()[0]).toMatch(/exactness-[0-9a-f]{16}\.json$/);
  expect(JSON.parse(readFileSync(kept()[0], "utf8"))).toEqual(exactness);
  const { stats } = await lm.generate([5, 6, 7], { maxNewTokens: 4 });
  expect(stats.exactness).toEqual(exactness);
});

test.runIf(nativeOperators().path)("it is found for each way to hold keys and values", async () => {
  for (const cacheDtype of ["fp32", "q8", "q8"] as const) {
    await using lm = await AutoModelForCausalLM.fromPretrained(DRAFT, { dtype: "q4", cacheDtype });
    expect(lm.exactness.level).toBe("bit-exact");
    expect(kept()).toHaveLength(cacheDtype === "fp32" ? 1 : 2);
  }
});

test("later loads read what is kept; a damaged file is made again", async () => {
  await copyConverted(DRAFT, "q4");
  const found = await load();
  const [file] = kept();
  writeFileSync(file, JSON.stringify(UNCURED));
  expect(await load()).toEqual(UNCURED);
  for (const damage of some(["", JSON.stringify({ ...UNCURED, leastRows: 1e9 }), "{", "[]", "null"], 3)) {
    writeFileSync(file, damage);
    expect(await load(), damage).toEqual(found);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(found);
  }
  expect(kept()).toEqual([file]);
});

test("another number of threads is checked for itself", async () => {
  await copyConverted(DRAFT);
  await load("q8");
  const threads = String(runtimeInfo().threads + 1);
  const generate = ["generate", "-m", DRAFT, "-n", "2", "--method", "none"];
  const inEnvironment = { FORETOKEN_THREADS: threads };
  expect((await foretoken(generate, { env: inEnvironment })).code).toBe(0);
  expect(kept()).toHaveLength(2);
  if (tier(false, true)) return;
  expect((await foretoken([...generate, "--threads", threads], { env: { FORETOKEN_THREADS: "7" } })).code).toBe(0);
  expect(kept()).toHaveLength(2);
});

describe("where the check finds what cannot be cured, nothing promises more", () => {
  const inCache =
    (dtype: Dtype) =>
    async (args: readonly string[], prepare = async () => {}) => {
      await copyConverted(DRAFT, dtype);
      await load(dtype);
      writeFileSync(kept()[0], JSON.stringify(UNCURED));
      await prepare();
      return foretoken([...args]);
    };

  test("generate --explain and --json", async () => {
    const args = ["generate", "-m", DRAFT, "--dtype", "q4", "--method", "ngram", "-n", "8", "--json", "--explain"];
    const { stdout, stderr } = await inCache("q4")(args);
    expect(JSON.parse(stdout).stats.exactness).toEqual(UNCURED);
    expect(stderr).toMatch(WORDS);
    expect(stderr).not.toContain("bit-exact");
  });

  test("inspect, which knows the dtypes that were loaded", async () => {
    const { stdout } = await inCache("q4")(["inspect", DRAFT]);
    expect(stdout).toMatch(WORDS);
    expect(stdout.match(/not checked yet/g)).toHaveLength(2);
    expect(stdout).not.toContain("bit-exact");
    const json = JSON.parse((await foretoken(["inspect", DRAFT, "--json"])).stdout);
    expect(json.exactness).toMatchObject({ q4: UNCURED, q8: { level: "unchecked" } });
  });

  test("doctor, which tells every dtype and fails", async () => {
    const doctor = inCache("q4");
    const { code, stdout } = await doctor(["doctor", "-m", DRAFT, "--dtype", "q4"], async () => {
      for (const dtype of ["q8", "fp32"] as const) await copyConverted(TARGET, dtype);
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(new RegExp(`q4 rows +${WORDS.source}`));
    expect(stdout).toMatch(/q8 rows +\S/);
    expect(stdout).toMatch(/fp32 rows +\S/);
  });
});
