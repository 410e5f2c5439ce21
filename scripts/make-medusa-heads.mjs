// Makes the Medusa heads of the embedded target by ridge regression on text that the target itself writes.
// Usage: npm run build && node scripts/make-medusa-heads.mjs [--texts 400]
import { AutoModelForCausalLM, fitMedusaHeads, saveMedusaHeads } from "../dist/index.js";

const note = (text) => process.stderr.isTTY && process.stderr.write(text);
const at = process.argv.indexOf("--texts");
const texts = at < 0 ? 400 : Number(process.argv[at + 1]);
const target = await AutoModelForCausalLM.fromPretrained("models/target", { dtype: "fp32" });
const question = target.promptIds("Question:");
const opening = (n) => (n % 4 === 0 ? question : [0, 300 + ((n * 97) % 3796)]);
const written = [];
while (written.length < texts) {
  // A random beginning, then what the target makes of it: half of the texts greedy, half sampled.
  const begin = { temperature: 1, seed: written.length, maxNewTokens: 16 };
  const openings = [0, 1, 2, 3].map((i) => opening(written.length + i));
  const starts = await target.generate(openings, begin);
  const go = {
    temperature: (written.length / 4) % 2 === 0 ? 0 : 0.7,
    seed: written.length,
    maxNewTokens: 160,
    ignoreEos: true,
  };
  const prompts = starts.map(({ tokenIds }, i) => [...openings[i], ...tokenIds]);
  const rest = await target.generate(prompts, go);
  for (const [i, prompt] of prompts.entries()) written.push([...prompt, ...rest[i].tokenIds]);
  note(`\rwriting ${written.length} of ${texts} texts`);
}
const heads = await fitMedusaHeads(target, written, {
  onProgress: (done, total) => note(`\rfitting on ${done} of ${total} texts`),
});
note("\n");
await saveMedusaHeads("models/medusa-heads", heads, "../target");
console.log(heads.accuracies.map((head, i) => `head ${i + 1}: ${head.slice(0, 5).join(" ")}`).join("\n"));
await target.dispose();
