import type { PassTimes } from "../../engine/pass-times.js";
import type { PassResult } from "../../engine/rows.js";
import type { TokenHistory } from "../../sampling/history.js";
import { likeliest, likeliestNodes, treeOfNodes } from "../../trees/likeliest.js";
import { chain, childrenOf, depthOf, rootOnly, type TokenTree } from "../../trees/token-tree.js";
import type { TokenId } from "../../types/token.js";
import {
  type DraftContext,
  type Drafter,
  type Guidance,
  type KnownText,
  type StepOutcome,
  type StepPlan,
  samples,
  type TextRows,
} from "../drafter.js";
import { calibrate, chancesOf } from "./calibration.js";
import type { Experience } from "./experience.js";
import { Outlook, type StepFacts } from "./outlook.js";
import type { Returns } from "./returns.js";

/** Levels of a proposal that only shows what drafting takes. */
const TRIAL = 1;

/** A proposal that is compared with the text as it comes, verified or not. */
interface Proposal {
  /** Where its first token would stand in the text. */
  place: number;
  tree: TokenTree;
  grade: number;
  /** The drafter's own, where it tells them. */
  probabilities?: readonly number[];
}

/**
 * Lets a drafter propose only where that is expected to be faster than plain decoding: from how far its proposals came
 * true so far, and from what passes and drafting took on this machine. What a drafter proposes for nothing is watched
 * even while it is not verified; one that takes time is tried again now and then.
 */
export class GuardedDrafter implements Drafter {
  private open: Proposal[] = [];
  private readonly forecast;
  private readonly outlook: Outlook;
  /** Whether the inner drafter tells probabilities; those that may do, until it does not. */
  private weighed = true;
  /** Whether the inner drafter reads the prompt as the target does, or all of it at its first proposal, if ever. */
  private readsPrompt: boolean | undefined;

  constructor(
    private readonly inner: Drafter,
    private readonly times: PassTimes,
    private readonly experience: Experience,
  ) {
    this.forecast = experience.forecast.copy();
    this.outlook = new Outlook(times, experience, this.forecast);
  }

  get name(): string {
    return this.inner.name;
  }

  get exhausted(): Drafter["exhausted"] {
    return this.inner.exhausted;
  }

  get promptNeeds(): number | undefined {
    return this.takesPrompt() ? this.inner.promptNeeds : undefined;
  }

  observePrompt(rows: TextRows, result: PassResult, request: number): void {
    this.inner.observePrompt?.(rows, result, request);
  }

  async readPrompt(tokens: readonly TokenId[], signal?: AbortSignal): Promise<void> {
    if (this.takesPrompt()) await this.inner.readPrompt?.(tokens, signal);
  }

  begin(prompt: readonly TokenId[]): Promise<void> {
    return this.inner.begin(prompt);
  }

  async propose(context: DraftContext, budget: number): Promise<StepPlan> {
    const { history, maxDepth } = context;
    this.open = this.open.filter((proposal) => !this.settles(proposal, history));
    if (Math.min(maxDepth, budget) <= 0) return this.inner.propose(context, budget);
    return this.inner.free ? this.proposeFree(context, budget) : this.proposeCostly(context, budget);
  }

  observe(outcome: StepOutcome): void {
    this.inner.observe(outcome);
  }

  fork(): GuardedDrafter {
    return new GuardedDrafter(this.inner.fork(), this.times, this.experience);
  }

  /** A replay knows no times: what the drafter proposes by itself. */
  async recorded(text: KnownText): Promise<Drafter> {
    return (await this.inner.recorded?.(text)) ?? this.inner;
  }

  dispose(): void {
    this.experience.forecast = this.forecast;
    this.inner.dispose();
  }

  private takesPrompt(): boolean {
    this.readsPrompt ??= this.inner.free || !this.experience.level || this.worthAsking(TRIAL, {}) > 0;
    return this.readsPrompt;
  }

  /** Takes what is proposed, cut where its tokens are no longer worth their rows. */
  private async proposeFree(context: DraftContext, budget: number): Promise<StepPlan> {
    const plan = await this.inner.propose(context, budget);
    const { tree, grade = 0 } = plan;
    const depth = depthOf(tree);
    if (depth === 0) return plan;
    this.watch(context.history, tree, grade);
    const isChain = tree.parents.every((parent, node) => parent === node - 1);
    const level = { ms: 0, nodes: (tree.tokens.length - 1) / depth };
    const best = this.outlook.bestDepth(grade, isChain ? 1 : depth, depth, level, context);
    if (best.depth === depth) return { ...plan, rate: best.rate };
    const [root, ...tokens] = tree.tokens;
    const cut = best.depth > 0 ? chain(root, tokens.slice(0, best.depth), this.name) : rootOnly(root);
    return { ...plan, tree: cut, withheld: tree.tokens.length - cut.tokens.length, rate: best.rate };
  }

  /** Asks for as many levels as are worth their time. */
  private async proposeCostly(context: DraftContext, budget: number): Promise<StepPlan> {
    const { sequences = 1 } = context;
    if (samples(context)) this.weighed = false;
    const depth = this.depthToAsk(Math.min(context.maxDepth, budget), context);
    // Asked for nothing, but asked: what it observes next are rows that it wanted.
    if (depth === 0) return { ...(await this.inner.propose(context, 0)), withheld: 1 };
    const start = performance.now();
    const plan = await this.inner.propose({ ...context, maxDepth: depth, guidance: this.guidance(context) }, budget);
    const { tree, extra, probabilities } = plan;
    const levels = depthOf(tree);
    if (levels === 0) return plan;
    // Which draws are verified must not depend on what they are.
    const weighed = tree.draftDistributions?.some(Boolean) || extra ? undefined : probabilities;
    this.weighed = weighed !== undefined;
    const ms = performance.now() - start;
    this.experience.learn(ms / sequences / levels, (tree.tokens.length - 1) / levels);
    this.watch(context.history, tree, 0, weighed);
    return weighed ? this.cut(plan, weighed, ms, context) : plan;
  }

  /** The levels that a drafter which takes time is asked for; none before it is known what passes take. */
  private depthToAsk(most: number, step: StepFacts): number {
    const { experience, returns } = this;
    if (!this.outlook.knows(step)) return 0;
    if (!experience.level) return TRIAL;
    const depth = this.worthAsking(most, step);
    // Others that are faster in this step say nothing against it.
    const pays = depth > 0 || (step.rateToBeat && this.worthAsking(most, { sequences: step.sequences }) > 0);
    if (!experience.triesAgain(Boolean(pays))) return depth;
    returns?.tryAgain();
    return returns ? most : TRIAL;
  }

  /** As many levels as are expected to be worth their time; where the proposal will be cut, as many as there may be, or none. */
  private worthAsking(most: number, step: StepFacts): number {
    if (!this.returns) return this.outlook.costlyDepth(most, step);
    return this.outlook.pays(this.returns, step) ? most : 0;
  }

  private guidance(step: StepFacts): Guidance {
    return {
      chances: (probabilities) => this.experience.calibration.chances(probabilities),
      worthExpanding: (chances, depth) => this.outlook.worthExpanding(chances, depth, step),
    };
  }

  /** What came of proposals with probabilities, where this request's have some. */
  private get returns(): Returns | undefined {
    return this.weighed ? this.experience.returns : undefined;
  }

  /** Keeps of a proposal what is worth its rows. */
  private cut(plan: StepPlan, probabilities: readonly number[], draftMs: number, step: StepFacts): StepPlan {
    const { sequences = 1 } = step;
    const { outlook, experience } = this;
    const { tree, needs } = plan;
    const chances = chancesOf(tree, probabilities, experience.calibration);
    const msOf = (nodes: number) => outlook.passMs(sequences * (1 + nodes), sequences);
    const best = likeliest(chances, msOf, outlook.rateElsewhere(step), outlook.rateWithout(step));
    // What was missed while nothing was drafted is read once.
    const usualMs = Math.min(draftMs, sequences * depthOf(tree) * (experience.level?.ms ?? draftMs));
    experience.weighs().step(best.tokens, (best.ms + usualMs) / this.times.at(sequences));
    const kept = likeliestNodes(chances, best.count);
    return {
      ...plan,
      tree: treeOfNodes(tree, kept),
      probabilities: kept.map((node) => probabilities[node]),
      ...(needs && { needs: kept.map((node) => needs[node]) }),
      withheld: tree.tokens.length - kept.length,
    };
  }

  private watch(history: TokenHistory, tree: TokenTree, grade: number, probabilities?: readonly number[]): void {
    this.open.push({ place: history.length, tree, grade, probabilities });
  }

  /** Learns from a proposal when the text has shown how far it was right. */
  private settles({ place, tree, grade, probabilities }: Proposal, history: TokenHistory): boolean {
    const path = [0];
    let depth = depthOf(tree);
    for (let right = 0; ; right++) {
      const children = childrenOf(tree, path[right]);
      // Nothing was proposed below: that was not wrong.
      if (children.length === 0) {
        depth = right;
        break;
      }
      if (place + right >= history.length) return false;
      const child = children.find((other) => tree.tokens[other] === history.at(place + right));
      if (child === undefined) break;
      path.push(child);
    }
    this.forecast.observe(grade, depth, path.length - 1);
    if (probabilities) calibrate(this.experience.calibration, tree, probabilities, path);
    return true;
  }
}
