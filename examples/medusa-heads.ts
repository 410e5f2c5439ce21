/** Makes Medusa heads for a model in seconds, by regression on text that the model writes itself: a cold start. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AutoModelForCausalLM, fitMedusaHeads, MedusaModel, saveMedusaHeads } from "foretoken";

const base = await AutoModelForCausalLM.fromPretrained("models/target", { dtype: "fp32" });
const texts: number[][] = [];
for (let seed = 0; seed < 24; seed++) {
  const prompt = base.promptIds("Once upon a time");
  const { tokenIds } = await base.generate(prompt, { temperature: 0.8, seed, maxNewTokens: 80, ignoreEos: true });
  texts.push([...prompt, ...tokenIds]);
}
const heads = await fitMedusaHeads(base, texts, { heads: 2 });
const folder = mkdtempSync(join(tmpdir(), "medusa-heads-"));
await saveMedusaHeads(folder, heads, "models/target");

const medusa = await MedusaModel.fromPretrained(folder, { base });
const { stats } = await medusa.generate("Once upon a time there was", { maxNewTokens: 64 });
console.log(`tokens per pass: ${stats.meanTokensPerPass.toFixed(2)}`);
medusa.heads.dispose();
await base.dispose();
rmSync(folder, { recursive: true });
