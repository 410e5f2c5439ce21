import type { DraftExhausted } from "../methods/drafter.js";
import type { TokenTree } from "../trees/token-tree.js";
import { type Exactness, UNCHECKED } from "../types/exactness.js";

/** What a generation cost and what speculation gained. Times are milliseconds of wall clock. */
export interface GenerationStats {
  method: string;
  /**
   * Whether the rule of acceptance loses nothing: plain decoding's very output or, under coupling "maximal", an output of
   * the same distribution, as far as `exactness` says. False for typical acceptance when sampling.
   */
  lossless: boolean;
  /** Whether the target's rows are the same bits in passes of any size, on this CPU and in this dtype. */
  exactness: Exactness;
  newTokens: number;
  /** Target passes after the prompt. */
  targetPasses: number;
  /** newTokens / targetPasses: 1 for plain decoding. */
  meanTokensPerPass: number;
  /** Accepted drafted tokens per target pass. */
  meanAcceptedTokens: number;
  draftedTokens: number;
  /** Drafted tokens that stand in the output. */
  acceptedTokens: number;
  /** acceptedTokens / draftedTokens; 0 when nothing was drafted. */
  acceptanceRate: number;
  /** For depth 1, 2, ...: of the passes that drafted that deep, the share that accepted a token there. */
  acceptanceByPosition: number[];
  /** Drafted and accepted tokens of each drafter. */
  byDrafter: Record<string, { drafted: number; accepted: number }>;
  /** Where drafting stopped, when the draft's context was full before the target's. */
  draftExhausted?: DraftExhausted;
  /** Steps of method "auto" that verified fewer candidates than there were, or none, because more was expected to be slower. */
  guardedSteps: number;
  tokensPerSecond: number;
  prefillMs: number;
  draftMs: number;
  targetMs: number;
  overheadMs: number;
  totalMs: number;
}

/** The source of a token that no drafter proposed. */
export const TARGET = "target";

/** Counts one sequence's steps. */
export class StatsRecorder {
  private passes = 0;
  private tokens = 0;
  private drafted = 0;
  private accepted = 0;
  private readonly draftedAt: number[] = [];
  private readonly acceptedAt: number[] = [];
  private readonly byDrafter: Record<string, { drafted: number; accepted: number }> = {};
  draftExhausted: DraftExhausted | undefined;
  guardedSteps = 0;
  prefillMs = 0;
  private draftMs = 0;
  private targetMs = 0;
  private start = performance.now();
  private end: number | undefined;

  constructor(
    private readonly method: string,
    private readonly exactness: Exactness = UNCHECKED,
    private readonly lossless = true,
  ) {}

  /**
   * One step.
   * @param path nodes found right, the root first, those on a side branch included
   * @param known nodes after the root that an earlier step had proposed
   * @param sources of the tokens that came out
   */
  step(tree: TokenTree, path: readonly number[], known: number, sources: readonly string[]): void {
    this.passes++;
    this.tokens += sources.length;
    for (const source of sources) {
      if (source === TARGET) continue;
      this.accepted++;
      this.drafter(source).accepted++;
    }
    const depths = new Array<number>(tree.tokens.length).fill(0);
    let deepest = 0;
    for (let i = 1; i < tree.tokens.length; i++) {
      depths[i] = depths[tree.parents[i]] + 1;
      if (i <= known) continue;
      deepest = Math.max(deepest, depths[i] - known);
      this.drafted++;
      this.drafter(tree.sources?.[i] ?? this.method).drafted++;
    }
    for (let d = 0; d < deepest; d++) this.draftedAt[d] = (this.draftedAt[d] ?? 0) + 1;
    for (let d = 0; d < path.length - 1 - known; d++) this.acceptedAt[d] = (this.acceptedAt[d] ?? 0) + 1;
  }

  /** This sequence's share of a step's time, in milliseconds. */
  time({ draftMs, targetMs }: { draftMs: number; targetMs: number }): void {
    this.draftMs += draftMs;
    this.targetMs += targetMs;
  }

  /** Times count from here. */
  begin(): void {
    this.start = performance.now();
  }

  finish(): void {
    this.end ??= performance.now();
  }

  /** `draftMs`, `targetMs` are this sequence's share of the steps it took part in; the rest of the time is overhead. */
  result(): GenerationStats {
    const totalMs = (this.end ?? performance.now()) - this.start;
    const decodeMs = totalMs - this.prefillMs;
    return {
      method: this.method,
      lossless: this.lossless,
      exactness: this.exactness,
      newTokens: this.tokens,
      targetPasses: this.passes,
      meanTokensPerPass: ratio(this.tokens, this.passes),
      meanAcceptedTokens: ratio(this.accepted, this.passes),
      draftedTokens: this.drafted,
      acceptedTokens: this.accepted,
      acceptanceRate: ratio(this.accepted, this.drafted),
      acceptanceByPosition: this.draftedAt.map((n, i) => ratio(this.acceptedAt[i] ?? 0, n)),
      byDrafter: this.byDrafter,
      ...(this.draftExhausted && { draftExhausted: this.draftExhausted }),
      guardedSteps: this.guardedSteps,
      tokensPerSecond: ratio(this.tokens * 1000, decodeMs),
      prefillMs: this.prefillMs,
      draftMs: this.draftMs,
      targetMs: this.targetMs,
      overheadMs: Math.max(0, decodeMs - this.draftMs - this.targetMs),
      totalMs,
    };
  }

  private drafter(name: string): { drafted: number; accepted: number } {
    this.byDrafter[name] ??= { drafted: 0, accepted: 0 };
    return this.byDrafter[name];
  }
}

function ratio(a: number, b: number): number {
  return b === 0 ? 0 : a / b;
}
