import type { CausalLM } from "../../engine/causal-lm.js";
import { Calibration } from "./calibration.js";
import { Forecast } from "./forecast.js";
import { Returns } from "./returns.js";

/** Measurements of what drafting takes before it is judged: the first ones are slow. */
const ENOUGH = 3;
/** Latest of them that are kept. The least counts: other work on the machine only ever makes a draft slower. */
const KEPT = 8;
/** Steps without a proposal before a drafter that takes time is tried again; doubles with every time in vain. */
const FIRST_PAUSE = 128;
const LONGEST_PAUSE = 4096;

/** Milliseconds that a level of a drafter's tree takes, and its nodes. */
export interface LevelCost {
  readonly ms: number;
  readonly nodes: number;
}

/** What is known of a method on a model, handed on from one output to the next. */
export class Experience {
  forecast = new Forecast(priorOf);
  /** Undefined until measured. */
  level: LevelCost | undefined;
  /** Of a drafter that tells how likely its candidates are; undefined until it did. */
  returns: Returns | undefined;
  readonly calibration = new Calibration();
  private readonly times: number[] = [];
  private pause = FIRST_PAUSE;
  private silent = 0;

  /** @param ms for a level, @param nodes of a level */
  learn(ms: number, nodes: number): void {
    if (this.times.length === KEPT) this.times.shift();
    this.times.push(ms);
    if (this.times.length >= ENOUGH) this.level = { ms: Math.min(...this.times), nodes };
  }

  /** Told that a proposal had probabilities. */
  weighs(): Returns {
    this.returns ??= new Returns();
    return this.returns;
  }

  /** Told of every step: whether proposing is worth it. True when it is not, and should be tried again all the same. */
  triesAgain(pays: boolean): boolean {
    if (pays) {
      this.pause = FIRST_PAUSE;
      this.silent = 0;
      return false;
    }
    if (++this.silent < this.pause) return false;
    this.silent = 0;
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
    return true;
  }
}

/** Grades of lookups are lengths of what matched; drafters that run a model have grade 0. */
function priorOf(grade: number): number {
  return grade === 0 ? 0.6 : Math.min(0.65, 0.05 + 0.2 * grade);
}

/** What was learned on each target: by the method, and by the draft model where there is one. */
const experiences = new WeakMap<CausalLM, Map<string, WeakMap<CausalLM, Experience>>>();

export function experienceOf(method: string, target: CausalLM, assistant: CausalLM = target): Experience {
  const methods = experiences.get(target) ?? new Map<string, WeakMap<CausalLM, Experience>>();
  experiences.set(target, methods);
  const drafts = methods.get(method) ?? new WeakMap<CausalLM, Experience>();
  methods.set(method, drafts);
  const experience = drafts.get(assistant) ?? new Experience();
  drafts.set(assistant, experience);
  return experience;
}
