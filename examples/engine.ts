/** Below text: rows of a token tree in one pass, commit, roll back, fork, and what passes cost on this machine. */
import { AutoModelForCausalLM, Need } from "foretoken";

const { model, tokenizer } = await AutoModelForCausalLM.fromPretrained("models/target");
const sequence = model.newSequence();
const prompt = tokenizer!.encode("Once upon a time there was a");
await model.prefill(sequence, prompt.slice(0, -1));

// The prompt's last token, and under it two candidates for the next.
const [root] = prompt.slice(-1);
const [little, poor] = [" little", " poor"].map((word) => tokenizer!.encode(word, { addSpecialTokens: false })[0]);
const needs = [Need.logits, Need.top, Need.top];
const said = await model.forward([{ sequence, tokens: [root, little, poor], parents: [-1, 0, 0], needs }], (rows) => ({
  preferred: rows.logits(0)[little] > rows.logits(0)[poor] ? 1 : 2,
  after: [1, 2].map((row) => tokenizer!.decode([rows.argmax(row)])),
}));
console.log(`after "little":${said.after[0]}; after "poor":${said.after[1]}`);

const copy = sequence.fork(); // pending rows are not copied
sequence.commit([0, said.preferred]); // the root and the likelier candidate
console.log(`committed: ${copy.length} -> ${sequence.length}`);
sequence.rollback(copy.length);

const cost = await model.measureCost();
console.log(`t(5) / t(1) = ${(cost.at(5) / cost.at(1)).toFixed(2)}`);
copy.dispose();
sequence.dispose();
await model.dispose();
