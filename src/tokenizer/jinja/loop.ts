import type { Budget } from "./budget.js";
import { equal } from "./operators.js";
import { fail } from "./template-error.js";
import { Callable, Loop, Undefined, type Value } from "./values.js";

/**
 * The variable `loop` over `items`; the loop moves it on by setting `index`.
 * @param again what a recursive loop prints for other items
 */
export function loopVariable(
  items: readonly Value[],
  depth: number,
  budget: Budget,
  again: ((items: Value) => Value) | undefined,
) {
  const state = { index: 0, loop: undefined as unknown as Loop };
  const neighbour = (at: number, end: string) =>
    at < 0 || at >= items.length ? new Undefined(`there is no ${end} item`) : items[at];
  let last: Value[] | undefined;
  const changed = new Callable("changed", (args) => {
    const same = last?.length === args.length && args.every((value, i) => equal(value, last![i], budget));
    last = args;
    return !same;
  });
  const cycle = new Callable("cycle", (args) => {
    return args.length === 0 ? fail("no items for cycling given") : args[state.index % args.length];
  });
  const called = (others: Value | undefined) => {
    if (!again) return fail("the loop must have the 'recursive' marker to be called recursively");
    return others === undefined ? fail("a loop that is called needs what to go through") : again(others);
  };
  state.loop = new Loop((name) => {
    const i = state.index;
    switch (name) {
      case "index":
        return i + 1;
      case "index0":
        return i;
      case "revindex":
        return items.length - i;
      case "revindex0":
        return items.length - i - 1;
      case "first":
        return i === 0;
      case "last":
        return i === items.length - 1;
      case "length":
        return items.length;
      case "depth":
        return depth + 1;
      case "depth0":
        return depth;
      case "previtem":
        return neighbour(i - 1, "previous");
      case "nextitem":
        return neighbour(i + 1, "next");
      case "cycle":
        return cycle;
      case "changed":
        return changed;
    }
    return undefined;
  }, called);
  return state;
}
