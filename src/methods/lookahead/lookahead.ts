import { Need } from "../../engine/rows.js";
import { layOut, type ProposalNode, proposalNode } from "../../trees/proposal-tree.js";
import { UsageError } from "../../types/errors.js";
import type { TokenId } from "../../types/token.js";
import type { DraftContext, Drafter, StepOutcome, StepPlan } from "../drafter.js";
import { MAX_WINDOW_ROWS, optionOf } from "../options.js";
import type { Method } from "../registry.js";
import { NgramPool } from "./ngram-pool.js";
import { LookaheadWindow } from "./window.js";
import { WindowBudget, type WindowSize } from "./window-budget.js";

/** W: columns of the window. N: length of the n-grams; N - 1 levels of guesses are kept. G: n-grams verified in a step. */
export interface LookaheadOptions extends WindowSize {
  /** Also offer the prompt's own n-grams. */
  poolFromPrompt: boolean;
  /** Make W, N and G smaller while few guesses are accepted. */
  adaptive: boolean;
}

/**
 * Lookahead decoding (Fu et al. 2024): a window of guesses improves itself by Jacobi iteration in the same passes that
 * verify; n-grams that it produced are proposed when their first token comes. Works with any model, without training.
 */
export class LookaheadDrafter implements Drafter {
  readonly name = "lookahead";
  private window: LookaheadWindow | undefined;
  private pool: NgramPool;
  private budget: WindowBudget;
  /** Of the current step: the token that the window stands behind, and the rows whose predictions it wants. */
  private input: TokenId = 0;
  private read: number[] = [];

  constructor(private readonly options: LookaheadOptions) {
    this.pool = new NgramPool(options.guessSize);
    this.budget = new WindowBudget(options, options.adaptive);
  }

  async begin(prompt: readonly TokenId[]): Promise<void> {
    const { windowSize, ngramSize, poolFromPrompt } = this.options;
    // Any tokens do; the prompt's own are likelier than random ones.
    this.window = new LookaheadWindow(windowSize, ngramSize, (column) => prompt[(column * 7919 + 13) % prompt.length]);
    if (!poolFromPrompt) return;
    for (let i = 0; i + ngramSize <= prompt.length; i++) this.pool.add(prompt[i], prompt.slice(i + 1, i + ngramSize));
  }

  async propose({ history, maxDepth }: DraftContext, budget: number): Promise<StepPlan> {
    const root = proposalNode(history.at(history.length - 1));
    const guesses = this.pool.after(root.token).slice(0, this.budget.size.guessSize);
    addPaths(root, guesses, maxDepth, budget);
    const { tree } = layOut(root, this.name);
    this.read = [];
    // The last token needs no window: nothing comes after it.
    if (budget === 0 || !this.budget.runsWindow) return { tree };
    const rows = this.window!.rows();
    const nodes = tree.tokens.length;
    const place = (row: number) => (row < 0 ? 0 : nodes + row);
    const extra = { tokens: rows.tokens, parents: rows.parents.map(place) };
    const needs = new Array<number>(nodes + rows.tokens.length).fill(Need.nothing);
    this.input = root.token;
    this.read = rows.read.map(place);
    for (const row of this.read) needs[row] = Need.top;
    return { tree, extra, needs };
  }

  observe({ path, result, request }: StepOutcome): void {
    this.budget.observe(Math.max(0, path.length - 1));
    if (this.read.length === 0) return;
    const predicted = this.read.map((row) => result.argmax(row, request));
    for (const { first, rest } of this.window!.advance(this.input, predicted)) this.pool.add(first, rest);
    const { windowSize, ngramSize } = this.budget.size;
    this.window!.resize(windowSize, ngramSize);
  }

  fork(): Drafter {
    const copy = new LookaheadDrafter(this.options);
    copy.window = this.window?.copy();
    copy.pool = this.pool.copy();
    copy.budget = this.budget.copy();
    return copy;
  }

  dispose(): void {}
}

/** Adds paths of tokens under `top`; common beginnings become one. */
function addPaths(top: ProposalNode, paths: readonly (readonly TokenId[])[], depth: number, budget: number): void {
  let left = budget;
  for (const path of paths) {
    let node = top;
    for (const token of path.slice(0, Math.max(0, depth))) {
      const known = node.children.find((child) => child.token === token);
      if (!known && left-- <= 0) return;
      node = known ?? proposalNode(token, node);
    }
  }
}

export const lookahead: Method = {
  name: "lookahead",
  summary: "lookahead decoding: the target guesses n-grams for itself in spare rows; no draft, no training",
  options: ["windowSize", "ngramSize", "guessSize", "poolFromPrompt", "adaptive"],
  available: () => true,
  create: ({ options }) => {
    const windowSize = optionOf(options, "windowSize");
    const ngramSize = optionOf(options, "ngramSize");
    const guessSize = optionOf(options, "guessSize");
    const rows = windowSize * (ngramSize - 1);
    if (rows > MAX_WINDOW_ROWS) {
      throw new UsageError(
        `a window of ${windowSize} columns and n-grams of ${ngramSize} need ${rows} rows, at most ${MAX_WINDOW_ROWS}: make one smaller`,
      );
    }
    return new LookaheadDrafter({
      windowSize,
      ngramSize,
      guessSize,
      poolFromPrompt: optionOf(options, "poolFromPrompt"),
      adaptive: optionOf(options, "adaptive"),
    });
  },
};
