import type { CausalLM } from "../engine/causal-lm.js";
import type { PassTimes } from "../engine/pass-times.js";
import type { TokenHistory } from "../sampling/history.js";
import type { TokenId } from "../types/token.js";
import type { DraftContext, Drafter, KnownText, StepOutcome, StepPlan } from "./drafter.js";
import { Forecast } from "./forecast.js";
import type { MethodContext } from "./registry.js";
import { chain, childrenOf, depthOf, rootOnly, type TokenTree } from "./trees/token-tree.js";

/** Speculation must be expected to gain this much over plain decoding: estimates are rough. */
const MARGIN = 1.03;
/** Steps without a proposal before a drafter that takes time is tried again; doubles with every time in vain. */
const FIRST_PAUSE = 16;
const LONGEST_PAUSE = 512;
/** Steps of such a trial. */
const TRIAL = 4;
/** Weight of a new measurement of what drafting takes. */
const SMOOTHING = 0.2;

/** What is known of a method on a model, handed on from one output to the next. */
export interface Experience {
  forecast: Forecast;
  /** Milliseconds that the drafter takes for a level of its tree, and the level's nodes; undefined until measured. */
  level?: { ms: number; nodes: number };
}

/** A proposal that is compared with the text as it comes, verified or not. */
interface Proposal {
  /** Where its first token would stand in the text. */
  place: number;
  tree: TokenTree;
  grade: number;
}

/**
 * Lets a drafter propose only where that is expected to be faster than plain decoding: from how far its proposals came
 * true so far, and from what passes and drafting took on this machine. What a drafter proposes for nothing is watched
 * even while it is not verified; one that takes time is tried again now and then.
 */
export class GuardedDrafter implements Drafter {
  private open: Proposal[] = [];
  private readonly forecast: Forecast;
  private pause = FIRST_PAUSE;
  /** Steps left without a proposal, and then those of a trial. */
  private silent = 0;
  private trial = TRIAL;

  constructor(
    private readonly inner: Drafter,
    private readonly times: PassTimes,
    private readonly experience: Experience,
  ) {
    this.forecast = experience.forecast.copy();
  }

  get name(): string {
    return this.inner.name;
  }

  get exhausted(): Drafter["exhausted"] {
    return this.inner.exhausted;
  }

  async readPrompt(tokens: readonly TokenId[], signal?: AbortSignal): Promise<void> {
    await this.inner.readPrompt?.(tokens, signal);
  }

  begin(prompt: readonly TokenId[]): Promise<void> {
    return this.inner.begin(prompt);
  }

  async propose(context: DraftContext, budget: number): Promise<StepPlan> {
    const { history } = context;
    this.open = this.open.filter((proposal) => !this.settles(proposal, history));
    if (Math.min(context.maxDepth, budget) <= 0) return this.inner.propose(context, budget);
    return this.inner.free ? this.proposeFree(context, budget) : this.proposeCostly(context, budget);
  }

  observe(outcome: StepOutcome): void {
    this.inner.observe(outcome);
  }

  fork(): Drafter {
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

  /** Takes what is proposed, cut where its tokens are no longer worth their rows. */
  private async proposeFree(context: DraftContext, budget: number): Promise<StepPlan> {
    const plan = await this.inner.propose(context, budget);
    const { tree, grade = 0 } = plan;
    const depth = depthOf(tree);
    if (depth === 0) return plan;
    this.watch(context.history, tree, grade);
    const isChain = tree.parents.every((parent, node) => parent === node - 1);
    const level = { ms: 0, nodes: (tree.tokens.length - 1) / depth };
    const best = this.bestDepth(grade, isChain ? 1 : depth, depth, level, context.sequences ?? 1);
    if (best === depth) return plan;
    const [root, ...tokens] = tree.tokens;
    const cut = best > 0 ? chain(root, tokens.slice(0, best), this.name) : rootOnly(root);
    return { ...plan, tree: cut, withheld: tree.tokens.length - cut.tokens.length };
  }

  /** Asks for as many levels as are worth their time. */
  private async proposeCostly(context: DraftContext, budget: number): Promise<StepPlan> {
    const { level = { ms: 0, nodes: 1 } } = this.experience;
    const { sequences = 1 } = context;
    let depth = 0;
    if (this.silent > 0) this.silent--;
    else {
      depth = this.bestDepth(0, 1, Math.min(context.maxDepth, budget), level, sequences);
      if (depth > 0) this.pause = FIRST_PAUSE;
      else if (this.plainIsKnown(sequences)) depth = this.tryAgain(context.maxDepth);
    }
    if (depth === 0) return { ...(await this.inner.propose(context, 0)), withheld: 1 };
    const start = performance.now();
    const plan = await this.inner.propose({ ...context, maxDepth: Math.min(depth, context.maxDepth) }, budget);
    const levels = depthOf(plan.tree);
    if (levels === 0) return plan;
    this.learn((performance.now() - start) / sequences / levels, (plan.tree.tokens.length - 1) / levels);
    this.watch(context.history, plan.tree, 0);
    return plan;
  }

  /** After a pause a few steps run whatever is expected; a trial in vain doubles the pause. */
  private tryAgain(maxDepth: number): number {
    if (this.trial > 0) {
      this.trial--;
      return maxDepth;
    }
    this.silent = this.pause;
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
    this.trial = TRIAL;
    return 0;
  }

  /** The depth, at least `from`, at which a step gives the most tokens a millisecond; 0 where plain decoding does. */
  private bestDepth(grade: number, from: number, to: number, level: { ms: number; nodes: number }, sequences: number) {
    if (!this.plainIsKnown(sequences)) return 0;
    const { times, forecast } = this;
    const plain = times.at(sequences);
    let best = 0;
    let bestRate = MARGIN / plain;
    for (let depth = from; depth <= to; depth++) {
      const rows = Math.round(sequences * (1 + depth * level.nodes));
      // Sizes that were never seen are tried: that is how they become known.
      const ms = (times.knows(rows) ? times.at(rows) : plain) + sequences * depth * level.ms;
      const rate = (1 + forecast.expected(grade, depth)) / ms;
      if (rate > bestRate) [best, bestRate] = [depth, rate];
    }
    return best;
  }

  private plainIsKnown(sequences: number): boolean {
    return this.times.knows(sequences);
  }

  private watch(history: TokenHistory, tree: TokenTree, grade: number): void {
    this.open.push({ place: history.length, tree, grade });
  }

  /** Learns from a proposal when the text has shown how far it was right. */
  private settles({ place, tree, grade }: Proposal, history: TokenHistory): boolean {
    let right = 0;
    for (let node = 0; ; right++) {
      const children = childrenOf(tree, node);
      if (children.length === 0) break;
      if (place + right >= history.length) return false;
      const child = children.find((other) => tree.tokens[other] === history.at(place + right));
      if (child === undefined) break;
      node = child;
    }
    this.forecast.observe(grade, depthOf(tree), right);
    return true;
  }

  private learn(ms: number, nodes: number): void {
    const known = this.experience.level;
    const mix = (old: number, latest: number) => old + SMOOTHING * (latest - old);
    this.experience.level = known ? { ms: mix(known.ms, ms), nodes: mix(known.nodes, nodes) } : { ms, nodes };
  }
}

/** What was learned on each target: by the method, and by the draft model where there is one. */
const experiences = new WeakMap<CausalLM, Map<string, WeakMap<CausalLM, Experience>>>();

/** The drafter, guarded; what it learns helps later outputs with the same models. */
export function guarded(drafter: Drafter, { target, assistant = target }: MethodContext): Drafter {
  if (drafter.name === "none") return drafter;
  const methods = experiences.get(target) ?? new Map<string, WeakMap<CausalLM, Experience>>();
  experiences.set(target, methods);
  const drafts = methods.get(drafter.name) ?? new WeakMap<CausalLM, Experience>();
  methods.set(drafter.name, drafts);
  const experience = drafts.get(assistant) ?? { forecast: new Forecast(priorOf) };
  drafts.set(assistant, experience);
  return new GuardedDrafter(drafter, target.times, experience);
}

/** Grades of lookups are lengths of what matched; drafters that run a model have grade 0. */
function priorOf(grade: number): number {
  return grade === 0 ? 0.6 : Math.min(0.65, 0.05 + 0.2 * grade);
}
