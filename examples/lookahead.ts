/** Lookahead decoding: the target guesses n-grams for itself, in rows of passes that it runs anyway. */
import { AutoModelForCausalLM, LookaheadDecoding } from "foretoken";

const model = await AutoModelForCausalLM.fromPretrained("models/target");
const lookahead = new LookaheadDecoding({ model, windowSize: 7, ngramSize: 5, guessSize: 7 });
const result = await lookahead.generate("The fox looked up at the crow and said,", { maxNewTokens: 64 });
console.log(result.text);
console.log(`tokens per pass: ${result.stats.meanTokensPerPass.toFixed(2)}`);
await model.dispose();
