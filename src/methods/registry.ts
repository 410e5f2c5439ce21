import type { CausalLM } from "../engine/causal-lm.js";
import type { MedusaHeads } from "../engine/medusa-heads.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { nearest, UsageError } from "../types/errors.js";
import { everyItem } from "../types/option-kinds.js";
import { givenOptions } from "../types/option-table.js";
import { shown } from "../types/shown.js";
import type { Drafter } from "./drafter.js";
import { experienceOf } from "./guard/experience.js";
import { FasterDrafter } from "./guard/faster-drafter.js";
import { GuardedDrafter } from "./guard/guard.js";
import { assertDrafter } from "./guest-drafter.js";
import { checkMethodOptions } from "./options.js";

/** What a method can be made from. */
export interface MethodContext {
  target: CausalLM;
  /** The draft model, when one was given. */
  assistant?: CausalLM;
  /** The draft model's Medusa heads, when it has some. */
  assistantHeads?: MedusaHeads;
  tokenizer?: Tokenizer;
  /** The draft's tokenizer, when it is another than the target's. */
  assistantTokenizer?: Tokenizer;
  /** The method's own options, as the user gave them. */
  options: Readonly<Record<string, unknown>>;
}

/** A way to speculate, known by name to `speculation.method` and `--method`. */
export interface Method {
  name: string;
  /** One line for help texts. */
  summary: string;
  /** Names of the options that `create` reads; others are refused. */
  options: readonly string[];
  /** Whether what it needs is there. */
  available(context: MethodContext): boolean;
  /** Place among the methods that "auto" chooses from, of which it takes the highest available. Default: never. */
  rank?: number;
  /**
   * Makes the drafter of one sequence. It holds nothing of the engine's before `begin`: one that is made to see whether
   * options are right is simply left. @throws UsageError when something it needs is missing or out of range.
   */
  create(context: MethodContext): Drafter | Promise<Drafter>;
}

/** The methods known by name. */
export class MethodRegistry {
  private readonly methods = new Map<string, Method>();

  /** Makes a method known. Adding a drafter is one file and one call of this. @throws UsageError for what is no method */
  register(method: Method): this {
    assertMethod(method);
    this.methods.set(method.name, method);
    return this;
  }

  get all(): Method[] {
    return [...this.methods.values()];
  }

  /**
   * The method of that name; "auto" is the best of those available, among them the best that knows all options given. What
   * "auto" chose proposes only where that is expected to be faster than plain decoding.
   * @throws UsageError naming the nearest method
   */
  find(name: string, context: MethodContext): Method {
    if (name === "auto") {
      const usable = this.all.filter((method) => method.rank !== undefined && method.available(context));
      const given = Object.keys(context.options);
      const knowing = usable.filter((method) => given.every((option) => method.options.includes(option)));
      const best = (list: Method[]) => list.reduce((a, b) => (b.rank! > a.rank! ? b : a));
      return best(knowing.length > 0 ? knowing : usable);
    }
    const method = this.methods.get(name);
    if (method) return method;
    const names = ["auto", ...this.methods.keys()];
    const guess = nearest(name, names);
    throw new UsageError(
      `unknown method ${shown(name)}, expected one of: ${names.join(", ")}${guess ? `. Did you mean "${guess}"?` : ""}`,
    );
  }

  /**
   * A drafter of the named method, after checking that it knows every option given. What "auto" takes has a method beside it
   * that looks up, where there is one: in every step the faster of both proposes.
   * @throws UsageError at once, unless the method itself is asynchronous
   */
  create(name: string, context: MethodContext): Drafter | Promise<Drafter> {
    const given = { ...context, options: givenOptions(context.options, "speculation") };
    const method = this.find(name, given);
    checkMethodOptions(method, given.options);
    const drafter = method.create(given);
    const checked = (made: Drafter) => {
      const drafter = assertDrafter(made, `create of method "${method.name}"`);
      return name === "auto" ? this.guarded(drafter, method, given) : drafter;
    };
    return drafter instanceof Promise ? drafter.then(checked) : checked(drafter);
  }

  private guarded(drafter: Drafter, method: Method, context: MethodContext): Drafter {
    if (drafter.name === "none") return drafter;
    const { target, assistant } = context;
    const guard = (inner: Drafter, { name }: Method, model?: CausalLM) =>
      new GuardedDrafter(inner, target.times, experienceOf(name, target, model));
    const own = guard(drafter, method, assistant);
    if (drafter.free) return own;
    const lookup = this.lookupFor(context);
    return lookup ? new FasterDrafter(own, guard(lookup.drafter, lookup.method)) : own;
  }

  /** What "auto" takes where there is no draft, if that proposes for nothing, with those options that it knows. */
  private lookupFor({ target, tokenizer, options }: MethodContext): { method: Method; drafter: Drafter } | undefined {
    const method = this.find("auto", { target, tokenizer, options: {} });
    const known = Object.entries(options).filter(([option]) => method.options.includes(option));
    const drafter = method.create({ target, tokenizer, options: Object.fromEntries(known) });
    return !(drafter instanceof Promise) && drafter.free ? { method, drafter } : undefined;
  }
}

function assertMethod(given: unknown): asserts given is Method {
  const expected = "a method { name, summary, options, available(context), create(context) }";
  if (typeof given !== "object" || given === null) {
    throw new UsageError(`methods.register takes ${expected}, got ${shown(given)}`);
  }
  const { name, summary, options, available, create } = given as Partial<Method>;
  const isText = (value: unknown) => typeof value === "string";
  const right = {
    name: isText(name) && name !== "" && name !== "auto",
    summary: isText(summary),
    options: Array.isArray(options) && everyItem(options, isText),
    available: typeof available === "function",
    create: typeof create === "function",
  };
  const wrong = Object.entries(right).find(([, is]) => !is)?.[0];
  if (wrong === undefined) return;
  throw new UsageError(
    `methods.register takes ${expected}, got one whose ${wrong} is ${shown((given as Record<string, unknown>)[wrong])}`,
  );
}
