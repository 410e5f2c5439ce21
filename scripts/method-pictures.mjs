// Draws docs/images/*.svg: a real step of each tree method, and lookahead's window.
// Usage: npm run build && node scripts/method-pictures.mjs
import { existsSync, writeFileSync } from "node:fs";
import { AutoModelForCausalLM, loadEagleHeads, MedusaModel, treePicture, windowPicture } from "../dist/index.js";

const medusa = await MedusaModel.fromPretrained("models/medusa-heads");
const target = medusa.base;
const draft = await AutoModelForCausalLM.fromPretrained("models/draft");
const text = (token) => target.tokenizer.decode([token]);
// Drawn where there are heads for the embedded target, such as those that test/support/eagle-heads.ts makes.
const eagle = process.env.EAGLE_HEADS && (await loadEagleHeads(process.env.EAGLE_HEADS, target));
const ways = {
  ...(eagle && { eagle: { speculation: { method: "eagle", heads: eagle, treeNodes: 12 } } }),
  draft: { assistantModel: draft, speculation: { method: "draft", treeWidths: [2, 1, 1] } },
  medusa: { speculation: { method: "medusa", heads: medusa.heads, treeNodes: 12 } },
  recycling: { speculation: { method: "recycling", treeNodes: 12 } },
  lookahead: { speculation: { method: "lookahead" } },
  suffix: { speculation: { method: "suffix", numSpeculativeTokens: 6 } },
  constrained: {
    assistantModel: draft,
    speculation: { method: "draft", treeWidths: [3, 1] },
    temperature: 1,
    grammar: { ebnf: 'root ::= ("the " | "a ") ("fox" | "crow" | "cat") " " [a-z]{3,9} "."' },
  },
  merged: { assistantModel: draft, speculation: { method: "merged", drafters: ["draft", "ngram", "recycling"] } },
};
for (const [name, options] of Object.entries(ways)) {
  const steps = [];
  await target.generate("Once upon a time there was a little girl named Lily. She", {
    maxNewTokens: 96,
    trace: (step) => steps.push(step),
    ...options,
  });
  // The step that found most tokens right, the smaller tree where two found as many.
  const right = ({ path, foreseen, known }) => path.length + foreseen.length - known;
  const better = (a, b) => right(b) - right(a) || a.tree.tokens.length - b.tree.tokens.length;
  const larger = (nodes) => steps.filter(({ tree, known }) => tree.tokens.length > nodes && known === 0).sort(better);
  const [telling] = [...larger(7), ...larger(4), ...larger(1)];
  writeFileSync(`docs/images/${name}.svg`, treePicture(telling, text));
}
// A draft with another tokenizer: drawn where scripts/make_smollm2.py has made one of another family.
const smollm2 = "models-real/SmolLM2-135M-Instruct";
if (existsSync(smollm2)) {
  const other = await AutoModelForCausalLM.fromPretrained(smollm2);
  const steps = [];
  const options = { maxNewTokens: 64, assistantModel: target, trace: (step) => steps.push(step) };
  await other.generate("Once upon a time there was a little girl named Lily. She", options);
  const right = ({ path }) => path.length;
  const [telling] = steps
    .filter(({ path, tree }) => path.length < tree.tokens.length)
    .sort((a, b) => right(b) - right(a));
  writeFileSync(
    "docs/images/universal.svg",
    treePicture(telling, (token) => other.tokenizer.decode([token])),
  );
  await other.dispose();
}
writeFileSync("docs/images/window.svg", windowPicture(5, 4, 2));
if (eagle) await eagle.dispose();
await medusa.dispose();
await draft.dispose();
