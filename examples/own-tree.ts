/** A method of your own that proposes a tree: under every token those that most often came after it in the text so far. */
import {
  AutoModelForCausalLM,
  type DraftContext,
  type Drafter,
  layOut,
  methods,
  type ProposalNode,
  proposalNode,
  type StepPlan,
  type TokenId,
} from "foretoken";

class Followers implements Drafter {
  readonly name = "followers";

  /** @param widths children of a node at depth 0, 1, ... */
  constructor(private readonly widths: readonly number[]) {}

  async begin(): Promise<void> {}

  async propose({ history, maxDepth }: DraftContext, budget: number): Promise<StepPlan> {
    const text = history.tail(history.length);
    const root = proposalNode(text[text.length - 1]);
    let left = budget;
    let level: ProposalNode[] = [root];
    for (const width of this.widths.slice(0, Math.max(0, maxDepth))) {
      level = level.flatMap((node) => {
        const tokens = mostFrequentAfter(text, node.token).slice(0, Math.min(width, left));
        left -= tokens.length;
        return tokens.map((token) => proposalNode(token, node));
      });
    }
    return { tree: layOut(root, this.name).tree };
  }

  observe(): void {}

  fork(): Drafter {
    return new Followers(this.widths);
  }

  dispose(): void {}
}

function mostFrequentAfter(text: readonly TokenId[], token: TokenId): TokenId[] {
  const counts = new Map<TokenId, number>();
  for (let i = 1; i < text.length; i++) {
    if (text[i - 1] === token) counts.set(text[i], (counts.get(text[i]) ?? 0) + 1);
  }
  return [...counts.keys()].sort((a, b) => counts.get(b)! - counts.get(a)!);
}

methods.register({
  name: "followers",
  summary: "what most often came next",
  options: [],
  available: () => true,
  create: () => new Followers([2, 2, 1]),
});

const target = await AutoModelForCausalLM.fromPretrained("models/target");
const prompt = "The cat sat on the mat. The cat saw the dog. The cat";
const plain = await target.generate(prompt, { maxNewTokens: 48, speculation: { method: "none" } });
const fast = await target.generate(prompt, { maxNewTokens: 48, speculation: { method: "followers" } });
console.log(`same tokens: ${fast.tokenIds.join() === plain.tokenIds.join()}`);
console.log(`tokens per pass: ${fast.stats.meanTokensPerPass.toFixed(2)}`);
await target.dispose();
