/** Medusa heads on the target's own hidden state: no second model. Lossless; typical acceptance is an option. */
import { AutoModelForCausalLM, loadMedusaHeads, MedusaModel } from "foretoken";

// Finds its base through base_model_name_or_path in the heads' config.json.
const medusa = await MedusaModel.fromPretrained("models/medusa-heads");
const prompt = "One day, a small frog wanted to see";
const options = { maxNewTokens: 64, temperature: 0.7, seed: 1 };

const plain = await medusa.base.generate(prompt, options);
const exact = await medusa.medusaGenerate(prompt, { ...options, medusaChoices: "medium" });
console.log(exact.text);
console.log(`same tokens: ${exact.tokenIds.join() === plain.tokenIds.join()}`);
console.log(`tokens per pass: ${exact.stats.meanTokensPerPass.toFixed(2)}`);

// A LOWER threshold accepts more, and drifts further from what the model would have said.
const typical = await medusa.medusaGenerate(prompt, { ...options, posteriorThreshold: 0.09, posteriorAlpha: 0.3 });
console.log(`typical acceptance: ${typical.stats.meanTokensPerPass.toFixed(2)}, lossless: ${typical.stats.lossless}`);
await medusa.dispose();

// A base that is loaded already, and heads from a folder: medusa_lm_head.safetensors, or PyTorch's medusa_lm_head.pt.
const base = await AutoModelForCausalLM.fromPretrained("models/target");
const same = new MedusaModel(base, await loadMedusaHeads("models/medusa-heads", base));
console.log((await same.generate("The end of the", { maxNewTokens: 8 })).text);
same.heads.dispose();
await base.dispose();
