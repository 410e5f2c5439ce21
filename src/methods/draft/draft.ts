import type { CausalLM } from "../../engine/causal-lm.js";
import { Need, type PassResult } from "../../engine/rows.js";
import { logProbability } from "../../sampling/log-probability.js";
import { assertSameTokenizer } from "../../tokenizer/same-vocabulary.js";
import { likeliestNodes, treeOfNodes } from "../../trees/likeliest.js";
import { layOut, type ProposalNode, pathTokens, probabilitiesOf, proposalNode } from "../../trees/proposal-tree.js";
import { UsageError } from "../../types/errors.js";
import type { TokenId } from "../../types/token.js";
import {
  type DraftContext,
  type DraftExhausted,
  type Drafter,
  type Guidance,
  type KnownText,
  type StepOutcome,
  type StepPlan,
  samples,
} from "../drafter.js";
import { optionOf } from "../options.js";
import type { Method } from "../registry.js";
import { type DraftLengthPolicy, draftLengthPolicy } from "./draft-length.js";
import { DraftSequence } from "./draft-sequence.js";
import { NextTokenReader } from "./next-tokens.js";
import { RecordedDraftDrafter } from "./recorded-draft.js";

/** Candidates after each node, and rows of a level, where a guard cuts the tree. */
const RANKS = 4;
/** Most candidates of such a tree. */
const CUT_NODES = 16;

/**
 * Proposes what a smaller model with the same tokenizer would say (Leviathan et al. 2023; Chen et al. 2023), level by
 * level of the tree.
 */
export class DraftModelDrafter implements Drafter {
  /** Set when the draft's context is full: nothing is drafted from there on. */
  exhausted: DraftExhausted | undefined;
  private readonly sequence: DraftSequence;
  /** Levels of the current step; and those that tell the policy something: none where a guard decides. */
  private depth = 0;
  private judged = 0;
  /** Candidates that may still be added in this step. */
  private left = 0;
  /** Of the current step; and what it asks of each row. */
  private reader: NextTokenReader | undefined;
  private need: number = Need.top;

  /**
   * @param widths children of every node at depth 0, 1, ...; the last one holds for greater depths. Default: a chain, or
   * the likeliest candidates where a guard cuts the tree
   */
  constructor(
    private readonly model: CausalLM,
    private readonly policy: DraftLengthPolicy,
    private readonly widths?: readonly number[],
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
    const { history, maxDepth, guidance } = context;
    const room = this.sequence.roomAfter(history.length);
    if (room <= 0) this.exhausted ??= { at: history.length, contextLength: this.model.contextLength };
    const length = guidance && !this.widths ? this.policy.guardedLength : this.policy.length;
    this.depth = Math.max(0, Math.min(length, maxDepth, room));
    this.judged = guidance || budget === 0 ? 0 : this.depth;
    const root = proposalNode(history.at(history.length - 1));
    // Nothing to do together with the drafters of other sequences.
    if (this.depth === 0 || budget === 0) return { tree: layOut(root, this.name).tree };
    return this.sequence.step(async () => {
      const cut = guidance !== undefined && !samples(context);
      // Of a tree that is cut the likeliest candidates stay, however many there are.
      this.left = cut ? Number.POSITIVE_INFINITY : budget;
      this.reader = new NextTokenReader(context, cut);
      this.need = this.reader.need;
      if (this.policy.needsProbability && this.need !== Need.logits) this.need |= Need.logSumExp;
      let frontier = await this.readText(root, context);
      for (let level = 1; level < this.depth && this.left > 0; level++) {
        frontier = this.worthReading(frontier, context, level);
        if (frontier.length === 0) break;
        frontier = await this.readLevel(frontier, context, level);
      }
      const { tree, nodes } = layOut(root, this.name);
      const probabilities = cut ? probabilitiesOf(nodes) : undefined;
      if (!probabilities) return { tree };
      const kept = likeliestNodes(
        nodes.map(({ chance = 1 }) => chance),
        Math.min(budget, CUT_NODES),
      );
      return { tree: treeOfNodes(tree, kept), probabilities: kept.map((node) => probabilities[node]) };
    });
  }

  observe({ path }: StepOutcome): void {
    this.policy.observe(this.judged, Math.max(0, path.length - 1));
  }

  fork(): Drafter {
    const sequence = new DraftSequence(this.model, this.sequence);
    return new DraftModelDrafter(this.model, this.policy.copy(), this.widths, this.name, sequence);
  }

  recorded(text: KnownText): Promise<Drafter> {
    const { name, model, widths = [1] } = this;
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
    return sequence.extend(behind, this.need, use, { k: this.width(context, 0), signal: context.signal });
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
      { k: this.width(context, level), signal: context.signal },
    );
  }

  /** Adds the children that the draft proposes after `node`; returns those worth reading on. */
  private addChildren(node: ProposalNode, result: PassResult, row: number, context: DraftContext, level: number) {
    const k = Math.min(this.width(context, level), this.left);
    if (k <= 0) return [];
    const { ids, logProbs, distribution } = this.reader!.read(result, row, pathTokens(node), k);
    node.distribution = distribution;
    this.left -= ids.length;
    const children = ids.map((token) => proposalNode(token, node));
    if (context.guidance && logProbs.length > 0) weigh(children, logProbs, context.guidance);
    if (!this.policy.needsProbability) return children;
    return children.filter(({ token }) => this.policy.proceed(this.probability(result, row, token)));
  }

  /** Those of a level that a guard finds worth reading, the likeliest; all where there is none. */
  private worthReading(level: ProposalNode[], context: DraftContext, depth: number): ProposalNode[] {
    const { guidance } = context;
    // How likely a draw is says nothing of whether it will be kept.
    if (!guidance || samples(context)) return level;
    const rows = Math.max(0, Math.min(this.widths ? level.length : RANKS, this.sequence.room));
    const likeliest = level.sort((a, b) => b.chance! - a.chance!).slice(0, rows);
    const chances = likeliest.map(({ chance }) => chance!);
    return likeliest.slice(0, guidance.worthExpanding(chances, depth));
  }

  /** The draft's own probability of a token it proposed, before processors. */
  private probability(result: PassResult, row: number, token: TokenId): number {
    if (this.need === Need.logits) {
      return Math.exp(logProbability(result.logits(row), token, this.model.vocabLimit));
    }
    const { ids, logits } = result.top(row);
    return Math.exp(logits[ids.indexOf(token)] - result.logSumExp(row));
  }

  /** Candidates after a node: as chosen; else one, or several of which the likeliest will be kept. */
  private width(context: DraftContext, level: number): number {
    const { widths } = this;
    if (!widths) return context.guidance && !samples(context) ? RANKS : 1;
    return widths[Math.min(level, widths.length - 1)];
  }
}

/** Sets the siblings' probabilities, and their chances along the path. */
function weigh(siblings: readonly ProposalNode[], logProbs: readonly number[], guidance: Guidance): void {
  const probabilities = logProbs.map((logProb) => Math.exp(Math.min(0, logProb)));
  for (const [i, chance] of guidance.chances(probabilities).entries()) {
    siblings[i].probability = probabilities[i];
    siblings[i].chance = chance * (siblings[i].parent!.chance ?? 1);
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
