import { UsageError } from "../../types/errors.js";
import { givenOptions } from "../../types/option-table.js";
import { shown } from "../../types/shown.js";
import type { DraftContext, Drafter, KnownText, StepOutcome, StepPlan } from "../drafter.js";
import { assertDrafter, GuestDrafter, limitsOf } from "../guest-drafter.js";
import { checkMethodOptions, type MethodOptions, optionOf } from "../options.js";
import type { Method, MethodContext } from "../registry.js";
import { BudgetShares } from "./budget-shares.js";
import { DrafterGroup } from "./drafter-group.js";
import { mergeTrees } from "./tree-merge.js";

/** Several drafters propose together: their trees become one, and each one's share of the nodes follows what it got accepted. */
export class MergedDrafter extends DrafterGroup {
  readonly name = "merged";
  private plans: readonly StepPlan[] = [];

  constructor(
    drafters: readonly Drafter[],
    private readonly nodes: number,
    private readonly shares = new BudgetShares(drafters.length),
  ) {
    super(drafters);
  }

  async propose(context: DraftContext, budget: number): Promise<StepPlan> {
    const budgets = this.shares.split(Math.min(this.nodes, budget));
    const plans: StepPlan[] = [];
    for (const [i, drafter] of this.drafters.entries()) plans.push(await drafter.propose(context, budgets[i]));
    const names = this.drafters.map(({ name }) => name);
    const { plan, places } = mergeTrees(plans, names, this.shares.order());
    this.plans = plans;
    this.places = places;
    return plan;
  }

  override observe(outcome: StepOutcome): void {
    super.observe(outcome);
    this.plans.forEach(({ tree }, i) => {
      const nodes = new Set(this.places[i].slice(0, tree.tokens.length));
      const right = outcome.path.filter((row) => nodes.has(row)).length;
      // The root is the step's, not the drafter's.
      this.shares.observe(i, tree.tokens.length - 1, Math.max(0, right - 1));
    });
  }

  fork(): Drafter {
    return this.of(this.drafters.map((drafter) => drafter.fork()));
  }

  async recorded(text: KnownText): Promise<Drafter> {
    return this.of(await Promise.all(this.drafters.map(async (part) => (await part.recorded?.(text)) ?? part)));
  }

  private of(drafters: readonly Drafter[]): MergedDrafter {
    return new MergedDrafter(drafters, this.nodes, this.shares.copy());
  }
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
