import type { CausalLM } from "../../engine/causal-lm.js";
import { Need, type PassResult } from "../../engine/rows.js";
import type { Sequence } from "../../engine/sequence.js";
import { logProbability } from "../../sampling/log-probability.js";
import { assertSameTokenizer } from "../../tokenizer/same-vocabulary.js";
import { UsageError } from "../../types/errors.js";
import type { TokenId } from "../../types/token.js";
import type { DraftContext, DraftExhausted, Drafter, KnownText, StepOutcome, StepPlan } from "../drafter.js";
import type { MethodOptions } from "../options.js";
import type { Method } from "../registry.js";
import { layOut, type ProposalNode, pathTokens, proposalNode, stemOf } from "../trees/proposal-tree.js";
import { chanceOf } from "../verification/chance.js";
import { type DraftLengthOptions, type DraftLengthPolicy, draftLengthPolicy } from "./parts/draft-length.js";
import { RecordedDraftDrafter } from "./parts/recorded-draft.js";
import { sampleWithoutReplacement } from "./parts/sampled-children.js";

/**
 * Proposes what a smaller model with the same tokenizer would say (Leviathan et al. 2023; Chen et al. 2023). Its
 * cache follows rejections: accepted rows are committed, the others dropped, nothing is computed twice.
 */
export class DraftModelDrafter implements Drafter {
  /** Set when the draft's context is full: nothing is drafted from there on. */
  exhausted: DraftExhausted | undefined;
  /** The tree of the current step, as laid out for the target. */
  private nodes: ProposalNode[] = [];
  private depth = 0;
  /** Foreseen tokens at the top of the tree. */
  private known = 0;
  /** Pending rows of committed tokens, the root last; 0 when the root was not read. */
  private unread = 0;
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
    private ownSequence?: Sequence,
  ) {}

  private get sequence(): Sequence {
    this.ownSequence ??= this.model.newSequence();
    return this.ownSequence;
  }

  async begin(prompt: readonly TokenId[], signal?: AbortSignal): Promise<void> {
    // A prompt that the draft cannot hold is not read: `propose` has no room either.
    if (prompt.length > this.model.contextLength) return;
    await this.model.prefill(this.sequence, prompt.slice(0, -1), { signal });
  }

  async propose(context: DraftContext, budget: number): Promise<StepPlan> {
    const { history, sampler, foreseen } = context;
    const { contextLength } = this.model;
    const room = contextLength - history.length;
    if (room <= 0) this.exhausted ??= { at: history.length, contextLength };
    this.known = foreseen.length;
    this.depth = Math.max(this.known, Math.min(this.known + this.policy.length, context.maxDepth, room));
    this.left = budget - this.known;
    this.unread = 0;
    if (sampler.needsLogits(history.newTokens)) this.need = Need.logits;
    else this.need = this.policy.needsProbability ? Need.top | Need.logSumExp : Need.top;
    const root = proposalNode(history.at(history.length - 1));
    const stem = stemOf(root, foreseen);
    if (this.depth > this.known && this.left > 0) {
      let frontier = await this.readStem(stem, context);
      for (let level = 1; level < this.depth - this.known && frontier.length > 0 && this.left > 0; level++) {
        frontier = await this.readLevel(frontier, context, level);
      }
    }
    const { tree, nodes } = layOut(root, this.name);
    this.nodes = nodes;
    return { tree };
  }

  observe({ path, foreseen }: StepOutcome): void {
    const rows = path.slice(1).map((node) => this.nodes[node].row);
    const unread = rows.indexOf(-1);
    const accepted = unread < 0 ? rows : rows.slice(0, unread);
    this.sequence.commit([...Array(this.unread).keys(), ...(this.unread > 0 ? accepted : [])]);
    this.policy.observe(this.depth - this.known, Math.max(0, path.length - 1 + foreseen.length - this.known));
  }

  fork(): Drafter {
    return new DraftModelDrafter(this.model, this.policy.copy(), this.widths, this.name, this.sequence.fork());
  }

  recorded(text: KnownText): Promise<Drafter> {
    const { name, model, widths } = this;
    return RecordedDraftDrafter.read(name, model, text, { policy: this.policy.copy(), widths });
  }

  dispose(): void {
    this.ownSequence?.dispose();
  }

  /** Reads the committed tokens that the draft is behind by, the root last, and the stem; adds the stem's children. */
  private async readStem(stem: ProposalNode[], context: DraftContext): Promise<ProposalNode[]> {
    const { sequence } = this;
    const { history, foreseen, signal } = context;
    const behind = history.tail(history.length - sequence.length);
    await this.model.prefill(sequence, behind.slice(0, -MAX_CATCH_UP), { signal });
    this.unread = Math.min(behind.length, MAX_CATCH_UP);
    const tokens = [...behind.slice(-MAX_CATCH_UP), ...foreseen];
    const last = tokens.length - 1;
    stem.forEach((node, i) => {
      node.row = this.unread - 1 + i;
    });
    const needs = tokens.map((_, i) => (i === last ? this.need : Need.nothing));
    return this.model.forward(
      [{ sequence, tokens, needs }],
      (result) => this.addChildren(stem[stem.length - 1], result, last, context, 0),
      { k: this.width(0), signal },
    );
  }

  /** Reads one level of the tree and adds the next. */
  private readLevel(frontier: ProposalNode[], context: DraftContext, level: number): Promise<ProposalNode[]> {
    const { sequence } = this;
    const first = sequence.pending;
    frontier.forEach((node, i) => {
      node.row = first + i;
    });
    const request = {
      sequence,
      tokens: frontier.map((node) => node.token),
      parents: frontier.map((node) => node.parent!.row),
      needs: frontier.map(() => this.need),
    };
    return this.model.forward(
      [request],
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
    const path = pathTokens(node);
    for (const token of path) history.push(token);
    const tokens = this.sample(node, result.logits(row), { history, sampler, coupling }, k);
    for (const _ of path) history.pop();
    return tokens;
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

/** Committed tokens that the draft reads in the same pass as the root; more (after plain steps) are prefilled first. */
const MAX_CATCH_UP = 32;

/** Most children of a node in a draft model's tree. */
const MAX_WIDTH = 16;

export const draftModel: Method = {
  name: "draft",
  summary: "a smaller model with the same tokenizer drafts (needs a draft model)",
  options: ["numSpeculativeTokens", "policy", "confidenceThreshold", "treeWidths"],
  rank: 30,
  available: ({ assistant, assistantTokenizer }) => assistant !== undefined && !assistantTokenizer,
  create: ({ assistant, tokenizer, assistantTokenizer, options }) => {
    if (!assistant) throw new UsageError('method "draft" needs a draft model: give assistantModel or --draft-model');
    if (tokenizer && assistantTokenizer) assertSameTokenizer(tokenizer, assistantTokenizer);
    return new DraftModelDrafter(assistant, draftLengthPolicy(options as DraftLengthOptions), widths(options));
  },
};

function widths({ treeWidths }: MethodOptions): number[] | undefined {
  if (treeWidths === undefined) return undefined;
  const valid =
    Array.isArray(treeWidths) &&
    treeWidths.length > 0 &&
    treeWidths.every((width) => Number.isInteger(width) && width >= 1 && width <= MAX_WIDTH);
  if (valid) return treeWidths;
  throw new UsageError(
    `treeWidths must list children per node for each depth, integers from 1 to ${MAX_WIDTH}, got ${JSON.stringify(treeWidths)}`,
  );
}
