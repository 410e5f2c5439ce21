// Digests of the tokens that methods give on the embedded models, in each dtype, greedy and sampled, written to a file as
// JSON: { dtype and temperature: { method: digest } }. Of the package that is installed where this lies: see test-platforms.mjs.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { AutoModelForCausalLM, loadEagleHeads, loadMedusaHeads } from "foretoken";

const PROMPTS = ["Once upon a time there was a little girl named Lily. She", 'The dog said: "', "One day Tom and Sam"];
const COMMON = { maxNewTokens: 24, seed: 5, ignoreEos: true };
const models = join(dirname(fileURLToPath(import.meta.resolve("foretoken"))), "../models");

const digests = {};
for (const dtype of ["q4", "q8", "fp32"]) {
  const target = await AutoModelForCausalLM.fromPretrained(join(models, "target"), { dtype });
  const assistantModel = await AutoModelForCausalLM.fromPretrained(join(models, "draft"), { dtype });
  const eagle = await loadEagleHeads(join(models, "eagle-heads"), target);
  const medusa = await loadMedusaHeads(join(models, "medusa-heads"), target);
  const ways = {
    plain: { speculation: { method: "none" } },
    draft: { assistantModel, speculation: { method: "draft" } },
    "draft, tree": { assistantModel, speculation: { method: "draft", treeWidths: [3, 2, 1] } },
    eagle: { speculation: { method: "eagle", heads: eagle } },
    medusa: { speculation: { method: "medusa", heads: medusa } },
    ngram: { speculation: { method: "ngram" } },
    recycling: { speculation: { method: "recycling" } },
    lookahead: { speculation: { method: "lookahead" } },
    merged: { assistantModel, speculation: { method: "merged" } },
    auto: { assistantModel },
  };
  for (const temperature of [0, 0.8]) {
    const found = {};
    digests[`${dtype}, temperature ${temperature}`] = found;
    for (const [way, options] of Object.entries(ways)) {
      const ids = [];
      for (const prompt of PROMPTS) {
        ids.push(...(await target.generate(prompt, { ...COMMON, ...options, temperature })).tokenIds);
      }
      found[way] = digestOf(ids);
    }
  }
  await target.dispose();
  await assistantModel.dispose();
}
writeFileSync(process.argv[2], JSON.stringify(digests));
// Under an emulator a process may wait for its threads.
process.exit(0);

function digestOf(ids) {
  return createHash("sha256").update(ids.join()).digest("hex");
}
