/** Proposals without any model: what followed the same words in the prompt, in a document, or in earlier answers. */
import { AutoModelForCausalLM, LookupCorpus, SuccessorMemory } from "foretoken";

const model = await AutoModelForCausalLM.fromPretrained("models/target");
const document = "The miller had a grey cat. The grey cat sat by the mill and looked at the water.";
const prompt = `${document} The miller had a grey cat. The grey`;
const options = { maxNewTokens: 48 };

const ngram = await model.generate(prompt, { ...options, speculation: { method: "ngram", maxNgram: 3 } });
console.log(`prompt lookup: ${ngram.stats.meanTokensPerPass.toFixed(2)} tokens per pass`);

const lookupCorpus = new LookupCorpus(model.promptIds(document));
const suffix = await model.generate("The grey", { ...options, speculation: { method: "suffix", lookupCorpus } });
console.log(`suffix automaton over a document: ${suffix.stats.meanTokensPerPass.toFixed(2)}`);

// Token recycling remembers; `successors.save(file)` keeps it for another run.
const successors = new SuccessorMemory(model.vocabLimit);
for (const round of [1, 2]) {
  const { stats } = await model.generate(prompt, { ...options, speculation: { method: "recycling", successors } });
  console.log(`token recycling, round ${round}: ${stats.meanTokensPerPass.toFixed(2)}`);
}
await model.dispose();
