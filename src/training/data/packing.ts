import { UsageError } from "../../types/errors.js";
import { shown } from "../../types/shown.js";
import type { TrainingExample, TrainingExamples } from "../training-example.js";

/** A label that counts for nothing, as PyTorch has it. */
const IGNORED = -100;
/** Sequences that are filled at the same time. */
const OPEN = 16;

/** Examples one behind the other in a sequence of fixed length, as `packedBatch` takes it; each attends to itself alone. */
export interface PackedSequence {
  /** [length]; 0 where there is no token. */
  ids: Int32Array;
  /** [length], from 0 in each example. */
  positions: Int32Array;
  /** [length]: the example that a token belongs to, from 0; -1 where there is no token. */
  segments: Int32Array;
  /** [length]: the token that should follow, -100 where none does or it does not count. */
  labels: Int32Array;
  /** Tokens in it. */
  tokens: number;
}

/**
 * Packs examples into sequences of `length` tokens: each goes where least room is left beside it (best fit among 16 that are
 * being filled). Longer ones are cut. The same examples give the same sequences.
 * @throws UsageError for a length below 2, and a mask that has not one value for each token
 */
export async function* packed(examples: TrainingExamples, length: number): AsyncGenerator<PackedSequence> {
  if (!Number.isInteger(length) || length < 2)
    throw new UsageError(`length must be an integer from 2, got ${shown(length)}`);
  const open: Packing[] = [];
  for await (const example of examples) {
    for (const piece of cut(example, length)) {
      const room = open.filter((packing) => packing.room >= piece.tokens.length);
      let place = room.reduce<Packing | undefined>(
        (best, each) => (best && best.room <= each.room ? best : each),
        undefined,
      );
      if (!place) {
        if (open.length === OPEN) yield take(open, fullest(open));
        place = new Packing(length);
        open.push(place);
      }
      place.add(piece);
      if (place.room < 2) yield take(open, place);
    }
  }
  while (open.length > 0) yield take(open, open[0]);
}

class Packing {
  private readonly sequence: PackedSequence;
  private examples = 0;

  constructor(private readonly length: number) {
    const filled = (value: number) => new Int32Array(length).fill(value);
    this.sequence = { ids: filled(0), positions: filled(0), segments: filled(-1), labels: filled(IGNORED), tokens: 0 };
  }

  get room(): number {
    return this.length - this.sequence.tokens;
  }

  add({ tokens, lossMask }: TrainingExample): void {
    const { ids, positions, segments, labels } = this.sequence;
    const from = this.sequence.tokens;
    for (const [at, token] of tokens.entries()) {
      ids[from + at] = token;
      positions[from + at] = at;
      segments[from + at] = this.examples;
      if (at > 0 && (lossMask?.[at] ?? true)) labels[from + at - 1] = token;
    }
    this.examples++;
    this.sequence.tokens += tokens.length;
  }

  get finished(): PackedSequence {
    return this.sequence;
  }
}

function* cut({ tokens, lossMask }: TrainingExample, length: number): Iterable<TrainingExample> {
  if (lossMask && lossMask.length !== tokens.length) {
    throw new UsageError(`an example has ${tokens.length} tokens and a lossMask of ${lossMask.length}: one for each`);
  }
  for (let from = 0; from < tokens.length; from += length) {
    const to = from + length;
    yield { tokens: tokens.slice(from, to), ...(lossMask && { lossMask: lossMask.slice(from, to) }) };
  }
}

function fullest(open: readonly Packing[]): Packing {
  return open.reduce((best, each) => (each.room < best.room ? each : best));
}

function take(open: Packing[], packing: Packing): PackedSequence {
  open.splice(open.indexOf(packing), 1);
  return packing.finished;
}
