/** A method of your own: it proposes what followed the last time the current token occurred. Registered by name. */
import {
  AutoModelForCausalLM,
  chain,
  type DraftContext,
  type Drafter,
  methods,
  rootOnly,
  type StepPlan,
  type TokenId,
} from "foretoken";

class Echo implements Drafter {
  readonly name = "echo";

  constructor(private readonly length: number) {}

  async begin(): Promise<void> {}

  async propose({ history, maxDepth }: DraftContext, budget: number): Promise<StepPlan> {
    const tokens = history.tail(history.length);
    const root = tokens[tokens.length - 1];
    const at = tokens.lastIndexOf(root, tokens.length - 2);
    const echoed: TokenId[] = at < 0 ? [] : tokens.slice(at + 1, at + 1 + this.length);
    const proposed = echoed.slice(0, Math.min(budget, maxDepth));
    return { tree: proposed.length > 0 ? chain(root, proposed, this.name) : rootOnly(root) };
  }

  observe(): void {}

  fork(): Drafter {
    return new Echo(this.length);
  }

  dispose(): void {}
}

methods.register({
  name: "echo",
  summary: "what followed the last time",
  options: ["length"],
  rank: 0,
  available: () => true,
  create: ({ options }) => new Echo(Number(options.length ?? 3)),
});

const target = await AutoModelForCausalLM.fromPretrained("models/target");
const prompt = "The cat sat on the mat. The cat sat on the mat. The cat";
const plain = await target.generate(prompt, { maxNewTokens: 48, speculation: { method: "none" } });
const fast = await target.generate(prompt, {
  maxNewTokens: 48,
  speculation: { method: "echo", ownOptions: { length: 5 } },
});
console.log(`same tokens: ${fast.tokenIds.join() === plain.tokenIds.join()}`);
console.log(`tokens per pass: ${fast.stats.meanTokensPerPass.toFixed(2)}`);
await target.dispose();
