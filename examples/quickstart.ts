import { AutoModelForCausalLM } from "foretoken";

const target = await AutoModelForCausalLM.fromPretrained("models/target");
const draft = await AutoModelForCausalLM.fromPretrained("models/draft");

const prompt = "Once upon a time there was a little girl named Lily. She";
const plain = await target.generate(prompt, { maxNewTokens: 64 });
const fast = await target.generate(prompt, { maxNewTokens: 64, assistantModel: draft });

console.log(fast.text);
console.log("same tokens:", fast.tokenIds.join() === plain.tokenIds.join());
console.log("tokens per pass:", fast.stats.meanTokensPerPass.toFixed(2));
