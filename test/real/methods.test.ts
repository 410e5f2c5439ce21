import { existsSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Dtype,
  fitMedusaHeads,
  loadEagleHeads,
  loadMedusaHeads,
  Recording,
  type SingleOptions,
  saveMedusaHeads,
} from "../../src/index.js";
import { DRAFT, model, prompts, temporaryFolder } from "../support/models.js";

/** Every method on a real checkpoint: those that need no training, heads made by regression, a draft with another tokenizer. */
const DIRECTORY = "models-real/SmolLM2-135M-Instruct";
const present = existsSync(`${DIRECTORY}/model.safetensors`);
if (!present) console.log(`${DIRECTORY} is not here: make it with python scripts/make_smollm2.py`);
const NEW_TOKENS = 24;
const SAMPLINGS: Record<string, SingleOptions> = {
  greedy: {},
  "temperature 0.7": { temperature: 0.7, seed: 1 },
  "top-p": { temperature: 1, topP: 0.9, seed: 2 },
};

describe.skipIf(!present).each(["q8", "fp32"] as Dtype[])("SmolLM2-135M-Instruct in %s", (dtype) => {
  const ways: Record<string, SingleOptions> = {
    ngram: { speculation: { method: "ngram" } },
    suffix: { speculation: { method: "suffix" } },
    recycling: { speculation: { method: "recycling" } },
    lookahead: { speculation: { method: "lookahead" } },
    "layer-skip": { speculation: { method: "layer-skip", skipLayers: [11, 14, 17, 20] } },
    merged: { speculation: { method: "merged", drafters: ["ngram", "recycling", "lookahead"] } },
  };

  beforeAll(async () => {
    const target = await model(DIRECTORY, dtype);
    const assistantModel = await model(DRAFT, dtype);
    ways["another tokenizer, shared tokens"] = {
      assistantModel,
      speculation: { method: "universal", alignment: "shared" },
    };
    ways["another tokenizer, text"] = { assistantModel, speculation: { method: "universal", alignment: "text" } };
    const texts: number[][] = [];
    for (const { prompt } of prompts().slice(0, 16)) {
      const ids = target.promptIds(prompt);
      texts.push([...ids, ...(await target.generate(ids, { maxNewTokens: 40, ignoreEos: true })).tokenIds]);
    }
    const folder = temporaryFolder();
    await saveMedusaHeads(folder, await fitMedusaHeads(target, texts, { heads: 2 }), DIRECTORY);
    ways.medusa = { speculation: { method: "medusa", heads: await loadMedusaHeads(folder, target) } };
    const trained = await loadMedusaHeads("models/smollm2-medusa-heads", target);
    ways["medusa, trained"] = { speculation: { method: "medusa", heads: trained } };
    ways["medusa, trained, dynamic"] = { speculation: { method: "medusa", heads: trained, dynamicTree: true } };
    ways["auto with heads"] = { speculation: { heads: trained } };
    const layer = await loadEagleHeads("models/smollm2-eagle-heads", target);
    ways["eagle, trained"] = { speculation: { method: "eagle", heads: layer } };
    ways["eagle, trained, tree"] = { speculation: { method: "eagle", heads: layer, treeNodes: 7 } };
    ways["auto with eagle"] = { speculation: { heads: layer } };
  });

  test.each(Object.keys(SAMPLINGS))(
    "tokens and log-probabilities of plain decoding on every prompt: %s",
    async (name) => {
      const target = await model(DIRECTORY, dtype);
      const accepted: Record<string, number> = {};
      for (const [i, { id, prompt }] of prompts().entries()) {
        // fp32 reads four times the bytes: some prompts.
        if (dtype === "fp32" && i % 8 !== 5) continue;
        const options = { ...SAMPLINGS[name], maxNewTokens: NEW_TOKENS, ignoreEos: true, logProbs: 1 };
        const plain = await target.generate(prompt, { ...options, speculation: { method: "none" } });
        for (const [way, own] of Object.entries(ways)) {
          const fast = await target.generate(prompt, { ...options, ...own });
          expect(fast.tokenIds, `${id}, ${way}`).toEqual(plain.tokenIds);
          expect(fast.logProbs, `${id}, ${way}`).toEqual(plain.logProbs);
          accepted[way] = (accepted[way] ?? 0) + fast.stats.acceptedTokens;
        }
      }
      console.log(`${dtype}, ${name}: accepted ${JSON.stringify(accepted)}`);
      expect(Object.entries(accepted).filter(([, count]) => count === 0)).toEqual([]);
    },
  );

  test("replays say what runs accept", async () => {
    const target = await model(DIRECTORY, dtype);
    const options = { maxNewTokens: NEW_TOKENS, ignoreEos: true };
    for (const way of ["ngram", "layer-skip", "medusa"]) {
      const { stats, tokenIds: output } = await target.generate(prompts()[35].prompt, { ...options, ...ways[way] });
      const recording = await Recording.of(target, { prompt: prompts()[35].prompt, output }, options);
      const { rows, guessedRows, ...found } = await recording.replay(ways[way]);
      expect(stats).toMatchObject(found);
      expect([rows.length, guessedRows]).toEqual([stats.targetPasses, 0]);
    }
  });
});
