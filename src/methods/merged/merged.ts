import { MappedRows } from "../../engine/mapped-rows.js";
import type { PassResult } from "../../engine/rows.js";
import { UsageError } from "../../types/errors.js";
import { givenOptions } from "../../types/option-table.js";
import { shown } from "../../types/shown.js";
import type { TokenId } from "../../types/token.js";
import type { DraftContext, Drafter, KnownText, StepOutcome, StepPlan, TextRows } from "../drafter.js";
import { assertDrafter, GuestDrafter, limitsOf } from "../guest-drafter.js";
import { checkMethodOptions, type MethodOptions, optionOf } from "../options.js";
import type { Method, MethodContext } from "../registry.js";
import { BudgetShares } from "./budget-shares.js";
import { type MergedPlan, mergeTrees } from "./tree-merge.js";

/**
 * Several drafters propose together: their trees become one, in which equal paths are one path, and each drafter's share
 * of the nodes follows what it got accepted. Every drafter hears about every step, as if it had proposed alone.
 */
export class MergedDrafter implements Drafter {
  readonly name = "merged";
  private merged: MergedPlan = { plan: { tree: { tokens: [], parents: [] } }, places: [] };
  private plans: StepPlan[] = [];

  constructor(
    private readonly drafters: readonly Drafter[],
    private readonly nodes: number,
    private readonly shares = new BudgetShares(drafters.length),
  ) {}

  get exhausted() {
    return this.drafters.find(({ exhausted }) => exhausted)?.exhausted;
  }

  get promptNeeds(): number {
    return this.drafters.reduce((all, { promptNeeds }) => all | (promptNeeds ?? 0), 0);
  }

  observePrompt(rows: TextRows, result: PassResult, request: number): void {
    for (const drafter of this.drafters) if (drafter.promptNeeds) drafter.observePrompt?.(rows, result, request);
  }

  async readPrompt(tokens: readonly TokenId[], signal?: AbortSignal): Promise<void> {
    for (const drafter of this.drafters) await drafter.readPrompt?.(tokens, signal);
  }

  async begin(prompt: readonly TokenId[]): Promise<void> {
    for (const drafter of this.drafters) await drafter.begin(prompt);
  }

  async propose(context: DraftContext, budget: number): Promise<StepPlan> {
    const budgets = this.shares.split(Math.min(this.nodes, budget));
    this.plans = [];
    for (const [i, drafter] of this.drafters.entries()) this.plans.push(await drafter.propose(context, budgets[i]));
    this.merged = mergeTrees(
      this.plans,
      this.drafters.map(({ name }) => name),
      this.shares.order(),
    );
    return this.merged.plan;
  }

  observe(outcome: StepOutcome): void {
    const { places } = this.merged;
    this.drafters.forEach((drafter, i) => {
      const place = places[i];
      const own = new Map(place.map((row, index) => [row, index]));
      const path = cut(outcome.path.map((row) => own.get(row)));
      // Right rows need not be this drafter's: those that are not stand behind all of its rows.
      const { rows } = outcome.right;
      const numbers = rows.map((row, n) => own.get(row) ?? place.length + n);
      const result = new MappedRows(outcome.result, (row) => place[row] ?? rows[row - place.length]);
      const right = { place: outcome.right.place, rows: numbers };
      drafter.observe({ ...outcome, path, last: numbers[numbers.length - 1], right, result });
      const nodes = this.plans[i].tree.tokens.length;
      const found = outcome.path.filter((row) => (own.get(row) ?? nodes) < nodes).length;
      // The root is the step's, not the drafter's.
      this.shares.observe(i, nodes - 1, Math.max(0, found - 1));
    });
  }

  fork(): Drafter {
    return new MergedDrafter(
      this.drafters.map((drafter) => drafter.fork()),
      this.nodes,
      this.shares.copy(),
    );
  }

  async recorded(text: KnownText): Promise<Drafter> {
    const parts = this.drafters.map(async (drafter) => (await drafter.recorded?.(text)) ?? drafter);
    return new MergedDrafter(await Promise.all(parts), this.nodes, this.shares.copy());
  }

  dispose(): void {
    for (const drafter of this.drafters) drafter.dispose();
  }
}

/** The beginning that is there. */
function cut(rows: readonly (number | undefined)[]): number[] {
  const end = rows.indexOf(undefined);
  return (end < 0 ? rows : rows.slice(0, end)) as number[];
}

/** Methods that may be part of a merged one, given where methods are registered. */
export function merged(parts: () => readonly Method[]): Method {
  return {
    name: "merged",
    summary: "several methods propose one tree together, e.g. drafters draft,ngram",
    options: ["drafters", "mergedNodes", "partOptions", "heads", "lookupCorpus", "successors"],
    available: () => true,
    create: (context) => {
      const chosen = partsOf(context, parts());
      checkParts(context.options, chosen);
      const nodes = optionOf(context.options, "mergedNodes");
      const guest = (drafter: Drafter, { name }: Method) =>
        new GuestDrafter(assertDrafter(drafter, `create of method "${name}"`), limitsOf(context.target));
      const made: (Drafter | Promise<Drafter>)[] = [];
      try {
        for (const method of chosen) {
          const drafter = method.create({ ...context, options: ownOptions(method, context.options) });
          made.push(drafter instanceof Promise ? drafter.then((d) => guest(d, method)) : guest(drafter, method));
        }
      } catch (error) {
        void disposeAll(made);
        throw error;
      }
      if (!made.some((drafter) => drafter instanceof Promise)) return new MergedDrafter(made as Drafter[], nodes);
      return Promise.all(made).then(
        (drafters) => new MergedDrafter(drafters, nodes),
        async (error) => {
          await disposeAll(made);
          throw error;
        },
      );
    },
  };
}

/** The methods named by `drafters`; else those that are there: a draft or heads, with prompt lookup. */
function partsOf(context: MethodContext, parts: readonly Method[]): Method[] {
  const drafters = optionOf(context.options, "drafters");
  const usable = parts.filter(({ name }) => name !== "none" && name !== "merged");
  if (drafters === undefined) {
    const model = usable.filter(
      ({ name, rank, available }) => name !== "ngram" && rank !== undefined && available(context),
    );
    const best = model.sort((a, b) => b.rank! - a.rank!).slice(0, 1);
    return [
      ...best,
      ...usable.filter(
        ({ name }) => name === (best.length > 0 ? "ngram" : "suffix") || (best.length === 0 && name === "recycling"),
      ),
    ];
  }
  if (drafters.length < 2 || new Set(drafters).size < drafters.length) {
    throw new UsageError(`drafters must list two or more different methods, got ${JSON.stringify(drafters)}`, {
      option: "drafters",
    });
  }
  return drafters.map((name) => {
    const method = usable.find((other) => other.name === name);
    if (method) return method;
    throw new UsageError(
      `"${name}" cannot be part of a merged tree, expected: ${usable.map((m) => m.name).join(", ")}`,
    );
  });
}

async function disposeAll(made: readonly (Drafter | Promise<Drafter>)[]): Promise<void> {
  for (const result of await Promise.allSettled(made)) if (result.status === "fulfilled") result.value.dispose();
}

/** What a part is given: the call's options that it has, and over them those that are given for it alone. */
function ownOptions(method: Method, options: MethodOptions): MethodOptions {
  const shared = Object.entries(options).filter(([name]) => name !== "partOptions" && method.options.includes(name));
  const own = givenOptions(optionOf(options, "partOptions")?.[method.name], `partOptions.${method.name}`);
  const all = { ...Object.fromEntries(shared), ...own };
  checkMethodOptions(method, all);
  return all;
}

/** @throws UsageError for options of a method that is no part */
function checkParts(options: MethodOptions, parts: readonly Method[]): void {
  const names = parts.map(({ name }) => name);
  const wrong = Object.keys(optionOf(options, "partOptions") ?? {}).find((name) => !names.includes(name));
  if (wrong === undefined) return;
  throw new UsageError(`partOptions names ${shown(wrong)}, which is no part, expected: ${names.join(", ")}`);
}
