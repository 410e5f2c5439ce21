import type { CausalLM } from "../../engine/causal-lm.js";
import { Need, type PassResult } from "../../engine/rows.js";
import { logProbability } from "../../sampling/log-probability.js";
import { assertSameTokenizer } from "../../tokenizer/same-vocabulary.js";
import { layOut, type ProposalNode, pathTokens, proposalNode } from "../../trees/proposal-tree.js";
import { UsageError } from "../../types/errors.js";
import type { TokenId } from "../../types/token.js";
import { chanceOf } from "../../verification/chance.js";
import type { DraftContext, DraftExhausted, Drafter, KnownText, StepOutcome, StepPlan } from "../drafter.js";
import { optionOf } from "../options.js";
import type { Method } from "../registry.js";
import { type DraftLengthPolicy, draftLengthPolicy } from "./draft-length.js";
import { DraftSequence } from "./draft-sequence.js";
import { RecordedDraftDrafter } from "./recorded-draft.js";
import { sampleWithoutReplacement } from "./sampled-children.js";

/**
 * Proposes what a smaller model with the same tokenizer would say (Leviathan et al. 2023; Chen et al. 2023), level by
 * level of the tree.
 */
export class DraftModelDrafter implements Drafter {
  /** Set when the draft's context is full: nothing is drafted from there on. */
  exhausted: DraftExhausted | undefined;
  private readonly sequence: DraftSequence;
  /** Levels of the current step. */
  private depth = 0;
  /** Candidates that may still be added in this step. */
  private left = 0;
  /** What each row that the draft reads must give back in this step. */
  private need: number = Need.top;

  /**
   * @param widths children of every node at depth 0, 1, ...; the last one holds for greater depths. Default [1]: a chain
   */
  constructor(
    private readonly model: CausalLM,
    private readonly policy: DraftLengthPolicy,
    private readonly widths: readonly number[] = [1],
    readonly name: string = "draft",
    sequence?: DraftSequence,
  ) {
    this.sequence = sequence ?? new DraftSequence(model);
  }

  readPrompt(tokens: readonly TokenId[], signal?: AbortSignal): Promise<void> {
    return this.sequence.readPrompt(tokens, signal);
  }

  async begin(): Promise<void> {}

  async propose(context: DraftContext, budget: number): Promise<StepPlan> {
    const { history, sampler, maxDepth } = context;
    const room = this.sequence.roomAfter(history.length);
    if (room <= 0) this.exhausted ??= { at: history.length, contextLength: this.model.contextLength };
    this.depth = Math.max(0, Math.min(this.policy.length, maxDepth, room));
    const root = proposalNode(history.at(history.length - 1));
    // Nothing to do together with the drafters of other sequences.
    if (this.depth === 0 || budget === 0) return { tree: layOut(root, this.name).tree };
    return this.sequence.step(async () => {
      this.left = budget;
      if (sampler.needsLogits(history.newTokens)) this.need = Need.logits;
      else this.need = this.policy.needsProbability ? Need.top | Need.logSumExp : Need.top;
      let frontier = await this.readText(root, context);
      for (let level = 1; level < this.depth && frontier.length > 0 && this.left > 0; level++) {
        frontier = await this.readLevel(frontier, context, level);
      }
      return { tree: layOut(root, this.name).tree };
    });
  }

  observe({ path }: StepOutcome): void {
    this.policy.observe(this.depth, Math.max(0, path.length - 1));
  }

  fork(): Drafter {
    const sequence = new DraftSequence(this.model, this.sequence);
    return new DraftModelDrafter(this.model, this.policy.copy(), this.widths, this.name, sequence);
  }

  recorded(text: KnownText): Promise<Drafter> {
    const { name, model, widths } = this;
    return RecordedDraftDrafter.read(name, model, text, { policy: this.policy.copy(), widths });
  }

  dispose(): void {
    this.sequence.dispose();
  }

  /** Reads the text that the draft is behind by, the root last; adds the root's children. */
  private async readText(root: ProposalNode, context: DraftContext): Promise<ProposalNode[]> {
    const { sequence } = this;
    const behind = await sequence.catchUp(context.history, context.signal);
    root.row = behind.length - 1;
    const use = (result: PassResult, row: number) => this.addChildren(root, result, row, context, 0);
    return sequence.extend(behind, this.need, use, { k: this.width(0), signal: context.signal });
  }

  /** Reads one level of the tree and adds the next. */
  private readLevel(frontier: ProposalNode[], context: DraftContext, level: number): Promise<ProposalNode[]> {
    const first = this.sequence.pending;
    frontier.forEach((node, i) => {
      node.row = first + i;
    });
    const rows = {
      tokens: frontier.map((node) => node.token),
      parents: frontier.map((node) => node.parent!.row),
      needs: frontier.map(() => this.need),
    };
    return this.sequence.forward(
      rows,
      (result) => frontier.flatMap((node, i) => this.addChildren(node, result, i, context, level)),
      { k: this.width(level), signal: context.signal },
    );
  }

  /** Adds the children that the draft proposes after `node`; returns those worth reading on. */
  private addChildren(node: ProposalNode, result: PassResult, row: number, context: DraftContext, level: number) {
    const k = Math.min(this.width(level), this.left);
    if (k <= 0) return [];
    const tokens = this.choose(node, result, row, context, k);
    this.left -= tokens.length;
    const children = tokens.map((token) => proposalNode(token, node));
    if (!this.policy.needsProbability) return children;
    return children.filter(({ token }) => this.policy.proceed(this.probability(result, row, token)));
  }

  private choose(
    node: ProposalNode,
    result: PassResult,
    row: number,
    { history, sampler, coupling }: DraftContext,
    k: number,
  ): TokenId[] {
    if (this.need !== Need.logits) return result.top(row).ids.slice(0, k);
    return history.along(pathTokens(node), () =>
      this.sample(node, result.logits(row), { history, sampler, coupling }, k),
    );
  }

  /** Tokens from a row, with the node's path on the history. */
  private sample(
    node: ProposalNode,
    logits: Float32Array,
    { history, sampler, coupling }: Pick<DraftContext, "history" | "sampler" | "coupling">,
    k: number,
  ): TokenId[] {
    if (coupling === "gumbel" || sampler.greedy) {
      if (k > 1) return sampler.chooseTop(logits, history, k);
      const token = sampler.tryChoose(logits, history);
      return token === undefined ? [] : [token];
    }
    node.distribution = sampler.tryDistribution(logits, history);
    if (!node.distribution) return [];
    return sampleWithoutReplacement(node.distribution, k, chanceOf(sampler.uniforms(history, "draft")));
  }

  /** The draft's own probability of a token it proposed, before processors. */
  private probability(result: PassResult, row: number, token: TokenId): number {
    if (this.need === Need.logits) {
      return Math.exp(logProbability(result.logits(row), token, this.model.vocabLimit));
    }
    const { ids, logits } = result.top(row);
    return Math.exp(logits[ids.indexOf(token)] - result.logSumExp(row));
  }

  private width(level: number): number {
    return this.widths[Math.min(level, this.widths.length - 1)];
  }
}

export const draft: Method = {
  name: "draft",
  summary: "a smaller model with the same tokenizer drafts (needs a draft model)",
  options: ["numSpeculativeTokens", "policy", "confidenceThreshold", "treeWidths"],
  rank: 30,
  available: ({ assistant, assistantTokenizer }) => assistant !== undefined && !assistantTokenizer,
  create: ({ assistant, tokenizer, assistantTokenizer, options }) => {
    if (!assistant) throw new UsageError('method "draft" needs a draft model: give assistantModel or --draft-model');
    if (tokenizer && assistantTokenizer) assertSameTokenizer(tokenizer, assistantTokenizer);
    const widths = optionOf(options, "treeWidths");
    if (widths?.length === 0) throw new UsageError("treeWidths must list children per node for each depth, got []");
    return new DraftModelDrafter(assistant, draftLengthPolicy(options), widths);
  },
};
