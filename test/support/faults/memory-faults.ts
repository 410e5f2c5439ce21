import { MappedRows } from "../../../src/engine/mapped-rows.js";
import { type CausalLM, type Drafter, Need, type SingleOptions, type SuccessorMemory } from "../../../src/index.js";
import { TokenHistory } from "../../../src/sampling/history.js";
import type { TokenId } from "../../../src/types/token.js";
import { inside, spoiled } from "./spoiled.js";

/** Never told what was said. */
export function outputNotLearned(drafter: Drafter): Drafter {
  return spoiled(drafter, { outcome: () => undefined });
}

/** Successors of a row are filed under the token of the row after it. */
export function rowsOfTheTokenBefore(drafter: Drafter): Drafter {
  return spoiled(drafter, {
    outcome: (outcome) => ({ ...outcome, result: new MappedRows(outcome.result, (row) => Math.max(0, row - 1)) }),
  });
}

/** Where a token stands several times, its last row has the last word. */
export function lastRowWins(drafter: Drafter): Drafter {
  const { memory } = inside<{ memory: SuccessorMemory }>(drafter);
  return spoiled(drafter, {
    observed: ({ result, request }, { tree }) => {
      tree.tokens.forEach((token, row) => {
        memory.remember(token, result.top(row, request).ids);
      });
    },
  });
}

/** A draft whose cache keeps what was rejected, so that it reads on behind tokens that are not in the text. */
export function notRolledBack(drafter: Drafter): Drafter {
  let read: TokenId[] | undefined;
  return spoiled(drafter, {
    context: (context) => {
      read ??= context.history.tail(context.history.length);
      return { ...context, history: new TokenHistory(read) };
    },
    outcome: (outcome, { tree }) => ({ ...outcome, path: tree.tokens.map((_, node) => node) }),
    observed: ({ committed }, { tree }) => {
      read!.push(...tree.tokens.slice(1), committed.at(-1)!);
    },
  });
}

/** A draft's rows of a level come back in the opposite order. */
export function levelsMirrored({ assistantModel, ...rest }: SingleOptions): SingleOptions {
  const { model, tokenizer } = assistantModel!;
  const forward: CausalLM["forward"] = (requests, read, options) => {
    const { needs } = requests[0];
    const isLevel = needs.every((need) => need !== Need.nothing);
    const place = (row: number) => (isLevel ? needs.length - 1 - row : row);
    return model.forward(requests, (result) => read(new MappedRows(result, place)), options);
  };
  const mirrored: CausalLM = Object.create(model, { forward: { value: forward } });
  return { ...rest, assistantModel: { model: mirrored, tokenizer } };
}
