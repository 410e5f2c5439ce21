import type { CausalLM } from "../../engine/causal-lm.js";
import { EagleHeads } from "../../engine/eagle-heads.js";
import { Need, type PassResult } from "../../engine/rows.js";
import { layOut, probabilitiesOf, proposalNode } from "../../trees/proposal-tree.js";
import { UsageError } from "../../types/errors.js";
import type { TokenId } from "../../types/token.js";
import { type DraftLengthPolicy, draftLengthPolicy } from "../draft/draft-length.js";
import { NextTokenReader } from "../draft/next-tokens.js";
import {
  type DraftContext,
  type DraftExhausted,
  type Drafter,
  type KnownText,
  type StepOutcome,
  type StepPlan,
  samples,
  type TextRows,
} from "../drafter.js";
import { METHOD_OPTIONS, type MethodOptions, optionOf } from "../options.js";
import type { Method } from "../registry.js";
import { type Candidate, DynamicTree, pathTo } from "./dynamic-tree.js";
import { FeatureSequence } from "./feature-sequence.js";
import { KnownFeatures, RecentFeatures } from "./features.js";
import { readFeatures } from "./recorded-features.js";

/** How the tree grows. */
export interface EagleTreeOptions {
  /** Levels, and whether to go on below a candidate of some probability. */
  policy: DraftLengthPolicy;
  /** Nodes of the tree. Default: of a chain, or as many as may be worth their rows where the tree is cut. */
  nodes?: number;
  /** Candidates after each node, and those of a level that are expanded. */
  ranks?: number;
}

/**
 * EAGLE-3 (Li et al. 2025): one decoder layer reads each token with what three layers of the target made of the token
 * before it, and drafts on with its own guess of that. After verification it reads the accepted tokens again, with the
 * target's own features.
 */
export class EagleDrafter implements Drafter {
  readonly name = "eagle";
  readonly promptNeeds = Need.auxiliary;
  /** Set when the layer's context is full: nothing is drafted from there on. */
  exhausted: DraftExhausted | undefined;
  private readonly sequence: FeatureSequence;
  private readonly prompt: TokenId[] = [];
  /** Levels of the current step; and those that tell the policy something: none where a guard decides. */
  private depth = 0;
  private judged = 0;

  constructor(
    private readonly target: CausalLM,
    private readonly heads: EagleHeads,
    private readonly options: EagleTreeOptions,
    private readonly features: RecentFeatures | KnownFeatures = new RecentFeatures(),
    sequence?: FeatureSequence,
  ) {
    this.sequence = sequence ?? new FeatureSequence(heads, features);
  }

  observePrompt(rows: TextRows, result: PassResult, request: number): void {
    this.learn(rows, result, request);
  }

  async readPrompt(tokens: readonly TokenId[], signal?: AbortSignal): Promise<void> {
    const { prompt } = this;
    prompt.push(...tokens);
    const text = { length: prompt.length, at: (i: number) => prompt[i], tail: (count: number) => prompt.slice(-count) };
    await this.sequence.follow(text, signal);
  }

  async begin(): Promise<void> {
    this.prompt.length = 0;
  }

  async propose(context: DraftContext, budget: number): Promise<StepPlan> {
    const { history, maxDepth } = context;
    const token = history.at(history.length - 1);
    const { contextLength } = this.heads.model;
    // Heads have their base's context; the target here may be the same model, loaded for more.
    const fits = history.length <= contextLength;
    if (!fits) this.exhausted ??= { at: history.length, contextLength };
    const { length, guardedLength } = this.options.policy;
    this.depth = fits
      ? Math.min(context.guidance && this.options.nodes === undefined ? guardedLength : length, maxDepth)
      : 0;
    const grown = this.depth > 0 && budget > 0 && (await this.sequence.step(() => this.grow(token, context)));
    this.judged = grown && !context.guidance ? this.depth : 0;
    const root = grown ? grown.grow(Math.min(this.shape(context).nodes, budget)) : proposalNode(token);
    const { tree, nodes } = layOut(root, this.name);
    // Which drawn candidates stand in the tree must not depend on what they are.
    return { tree, needsOfLast: Need.auxiliary, probabilities: samples(context) ? undefined : probabilitiesOf(nodes) };
  }

  observe({ path, right, result, request }: StepOutcome): void {
    this.options.policy.observe(this.judged, Math.max(0, path.length - 1));
    this.learn(right, result, request);
  }

  fork(): Drafter {
    const features = this.features instanceof RecentFeatures ? new RecentFeatures(this.features) : this.features;
    return new EagleDrafter(this.target, this.heads, this.copiedOptions(), features, this.sequence.fork(features));
  }

  /** Reads the text once with the target, for its features; the layer itself drafts in every step. */
  async recorded(text: KnownText): Promise<Drafter> {
    const { target, heads } = this;
    return new EagleDrafter(target, heads, this.copiedOptions(), await readFeatures(target, heads, text));
  }

  dispose(): void {
    this.sequence.dispose();
  }

  private learn({ place, rows }: TextRows, result: PassResult, request: number): void {
    const { features } = this;
    if (features instanceof KnownFeatures) return;
    for (const [i, row] of rows.entries()) {
      features.learn(place + i, this.heads.streamsOf(result, row, request));
    }
  }

  /** A tree that nobody chose holds the likeliest candidates where it will be cut; else it is a chain. */
  private shape({ guidance }: DraftContext): { nodes: number; ranks: number } {
    const { nodes, ranks, policy } = this.options;
    if (nodes !== undefined && ranks !== undefined) return { nodes, ranks };
    if (guidance) return { nodes: Math.max(policy.guardedLength, METHOD_OPTIONS.treeNodes.fallback), ranks: RANKS };
    return { nodes: policy.length, ranks: 1 };
  }

  private copiedOptions(): EagleTreeOptions {
    return { ...this.options, policy: this.options.policy.copy() };
  }

  /** All candidates of a step; undefined where the target's feature before the root is not known. */
  private async grow(token: TokenId, context: DraftContext): Promise<DynamicTree | undefined> {
    const { sequence, heads, depth } = this;
    const { policy } = this.options;
    const { ranks, nodes } = this.shape(context);
    const width = samples(context) ? 1 : Math.min(ranks, nodes, heads.draftVocabSize);
    const tree = new DynamicTree(token, context.guidance);
    const reader = new NextTokenReader(context, true);
    const need = reader.need | heads.guessNeed;
    const pass = { k: width, signal: context.signal };
    const take = (result: PassResult, row: number, candidate: Candidate) => {
      candidate.guess = heads.guessOf(result, row);
      tree.add(candidate, reader.read(result, row, pathTo(candidate), width));
      return true;
    };
    const begun = await sequence.readTo(context.history, need, (result, row) => take(result, row, tree.root), pass);
    if (!begun) return undefined;
    for (let level = 1; level < depth; level++) {
      const likeliest = tree.frontier(Math.max(0, Math.min(width, sequence.room)), (probability) =>
        policy.proceed(probability),
      );
      const chances = likeliest.map(({ score }) => Math.exp(score));
      // How likely a draw is says nothing of whether it will be kept.
      const worth = samples(context) ? undefined : context.guidance?.worthExpanding(chances, level);
      const frontier = likeliest.slice(0, worth);
      if (frontier.length === 0) break;
      tree.nextLevel();
      const first = sequence.pending;
      const rows = {
        tokens: frontier.map((candidate) => candidate.token),
        parents: frontier.map(({ parent }) => parent!.row),
        features: frontier.map(({ parent }) => ({ guess: parent!.guess! })),
        needs: frontier.map(() => need),
      };
      const readLevel = (result: PassResult) => {
        for (const [i, candidate] of frontier.entries()) take(result, i, candidate);
      };
      await sequence.guess(rows, readLevel, pass);
      for (const [i, candidate] of frontier.entries()) candidate.row = first + i;
    }
    return tree;
  }
}

/** Candidates after each node of a tree: SafeAILab/EAGLE takes 10, for GPUs, where rows cost next to nothing. */
const RANKS = 4;

/** A tree where its size is given; else a chain: on a CPU the rows of a tree cost more than they bring. */
function treeOptions(options: MethodOptions): EagleTreeOptions {
  const policy = draftLengthPolicy(options);
  const { treeNodes, treeRanks } = options as { treeNodes?: number; treeRanks?: number };
  if (treeNodes === undefined && treeRanks === undefined) return { policy };
  const nodes = treeNodes ?? Math.max(policy.length, METHOD_OPTIONS.treeNodes.fallback);
  return { policy, nodes, ranks: treeRanks ?? RANKS };
}

export const eagle: Method = {
  name: "eagle",
  summary: "an EAGLE-3 layer on the target's hidden states drafts a chain or a tree (needs heads)",
  options: ["heads", "numSpeculativeTokens", "policy", "confidenceThreshold", "treeNodes", "treeRanks"],
  rank: 25,
  available: ({ options }) => options.heads instanceof EagleHeads,
  create: ({ target, options }) => {
    const heads = optionOf(options, "heads");
    if (!(heads instanceof EagleHeads)) {
      const given = heads ? "the heads given are Medusa's" : "generate with an EagleModel, or give --heads";
      throw new UsageError(`method "eagle" needs EAGLE-3 heads: ${given}`);
    }
    if (heads.targetHiddenSize !== target.config.hiddenSize || heads.vocabSize !== target.config.vocabSize) {
      throw new UsageError(
        `the heads read hidden states of ${heads.targetHiddenSize} and ${heads.vocabSize} tokens, the target has ${target.config.hiddenSize} and ${target.config.vocabSize}: they belong to another model`,
      );
    }
    target.capture(heads.targetLayers);
    return new EagleDrafter(target, heads, treeOptions(options));
  },
};
