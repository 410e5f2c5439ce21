import { type DraftContext, type Drafter, methods, type StepOutcome, type StepPlan } from "../../src/index.js";

/** What may be wrong with a drafter. */
export interface Flaws {
  begin?: () => void;
  /** Makes a wrong plan of a right one. Its result may be anything. */
  plan?: (plan: StepPlan, context: DraftContext) => unknown;
  observe?: (outcome: StepOutcome) => unknown;
  fork?: () => unknown;
  dispose?: () => void;
}

/** Proposes the tokens after the root's in id order, as a little tree, with a flaw from some step on. */
class BadDrafter implements Drafter {
  private steps = 0;

  constructor(
    readonly name: string,
    private readonly flaws: Flaws,
    private readonly from: number,
  ) {}

  async begin(): Promise<void> {
    this.flaws.begin?.();
  }

  async propose(context: DraftContext): Promise<StepPlan> {
    const { history, maxDepth } = context;
    const root = history.at(history.length - 1);
    const tokens = maxDepth > 0 ? [root, (root + 1) % 4096, (root + 2) % 4096, 5] : [root];
    const plan: StepPlan = { tree: { tokens, parents: [-1, 0, 0, 1].slice(0, tokens.length) } };
    return this.steps++ < this.from || !this.flaws.plan ? plan : (this.flaws.plan(plan, context) as StepPlan);
  }

  /** May give a promise, as an async method does, though nobody expects one. */
  observe(outcome: StepOutcome): undefined {
    if (this.steps > this.from) return this.flaws.observe?.(outcome) as undefined;
  }

  fork(): Drafter {
    return this.flaws.fork ? (this.flaws.fork() as Drafter) : new BadDrafter(this.name, this.flaws, this.from);
  }

  dispose(): void {
    this.flaws.dispose?.();
  }
}

let registered = 0;

/** Registers a method whose drafter has these flaws from step `from` (0: the first) on; returns its name. */
export function badMethod(flaws: Flaws, from = 0): string {
  const name = `guest ${++registered}`;
  const create = () => new BadDrafter(name, flaws, from);
  methods.register({ name, summary: "a wrong drafter", options: [], available: () => false, create });
  return name;
}

const tree = (change: (tree: { tokens: number[]; parents: number[] }) => object) => (plan: StepPlan) => ({
  ...plan,
  tree: { ...plan.tree, ...change({ tokens: [...plan.tree.tokens], parents: [...plan.tree.parents] }) },
});
const fail = () => {
  throw new Error("out of\nluck \u001b[31m");
};

/** Every kind of nonsense, and what the error says of it. */
export const BAD_DRAFTERS: readonly [what: RegExp, flaws: Flaws][] = [
  [/failed: out of luck \\u001b\[31m$/, { begin: fail }],
  [/failed: out of luck/, { plan: fail }],
  [/failed: out of luck/, { observe: fail }],
  [/failed: out of luck/, { dispose: fail }],
  [/failed: out of luck/, { plan: () => Promise.reject(new Error("out of luck")) }],
  [/failed: out of luck/, { observe: () => Promise.reject(new Error("out of luck")) }],
  [/failed: "no"/, { plan: () => Promise.reject("no") }],
  [/its plan is undefined, expected/, { plan: () => undefined }],
  [/its plan is 7, expected/, { plan: () => 7 }],
  [/its plan is \{\}, expected/, { plan: () => ({}) }],
  [/tree has no nodes/, { plan: () => ({ tree: { tokens: [], parents: [] } }) }],
  [/tree has no nodes/, { plan: () => ({ tree: { tokens: 5, parents: [] } }) }],
  [
    /the root of its tree is 1, expected \d+, the last token/,
    { plan: tree(({ tokens }) => ({ tokens: tokens.with(0, 1) })) },
  ],
  [/the root of its tree has parent 0/, { plan: tree(({ parents }) => ({ parents: parents.with(0, 0) })) }],
  [/4 tokens and 3 parents/, { plan: tree(({ parents }) => ({ parents: parents.slice(1) })) }],
  [/node 2 has parent -1/, { plan: tree(({ parents }) => ({ parents: parents.with(2, -1) })) }],
  [/node 2 has parent 3/, { plan: tree(({ parents }) => ({ parents: parents.with(2, 3) })) }],
  [/node 3 has parent NaN/, { plan: tree(({ parents }) => ({ parents: parents.with(3, Number.NaN) })) }],
  [/node 1 has the token 4096/, { plan: tree(({ tokens }) => ({ tokens: tokens.with(1, 4096) })) }],
  [/node 1 has the token -3/, { plan: tree(({ tokens }) => ({ tokens: tokens.with(1, -3) })) }],
  [
    /node 1 has the token "x+\.\.\./,
    { plan: tree(({ tokens }) => ({ tokens: tokens.with(1, "x".repeat(1e5) as never) })) },
  ],
  [/draftDistributions/, { plan: tree(() => ({ draftDistributions: [undefined] })) }],
  [/extra rows and their parents differ/, { plan: (plan) => ({ ...plan, extra: { tokens: [1, 2], parents: [0] } }) }],
  [/extra rows and their parents differ/, { plan: (plan) => ({ ...plan, extra: null }) }],
  [/extra row 1 has parent 9/, { plan: (plan) => ({ ...plan, extra: { tokens: [1, 2], parents: [0, 9] } }) }],
  [/extra row 0 has the token 0.5/, { plan: (plan) => ({ ...plan, extra: { tokens: [0.5], parents: [0] } }) }],
  [/4 rows and 2 needs/, { plan: (plan) => ({ ...plan, needs: [0, 0] }) }],
  [/its needs are no flags/, { plan: (plan) => ({ ...plan, needs: [0, 0, 99, 0] }) }],
  [/its needs are no flags/, { plan: (plan) => ({ ...plan, needsOfLast: Number.NaN }) }],
  [/its topK is NaN/, { plan: (plan) => ({ ...plan, topK: Number.NaN }) }],
  [/its topK is 2.5/, { plan: (plan) => ({ ...plan, topK: 2.5 }) }],
  [/its topK is 4097/, { plan: (plan) => ({ ...plan, topK: 4097 }) }],
  [/its topK is 0/, { plan: (plan) => ({ ...plan, topK: 0 }) }],
  [
    /its plan has 301 rows, at most 255/,
    {
      plan: tree(({ tokens }) => ({
        tokens: [tokens[0], ...Array(300).fill(1)],
        parents: [-1, ...Array(300).fill(0)],
      })),
    },
  ],
  [
    /propose changed the history/,
    {
      plan: (plan, { history }) => {
        history.push(5);
        return plan;
      },
    },
  ],
];
