import type { LayeredDecoder } from "../gradient/layered-decoder.js";
import type { PackedSequence } from "./packed-sequence.js";
import type { SequenceFile } from "./sequence-file.js";

/**
 * Puts sequences into the inputs of a decoder's next run, each below the other; what is left of the batch counts for nothing.
 * @param batch sequences of a run
 * @param units which of the file's, at most `batch`
 * @param row is told of every token: where it goes, and where it stands in its sequence
 */
export async function fillBatch(
  decoder: LayeredDecoder,
  file: SequenceFile,
  units: ArrayLike<number>,
  batch: number,
  sequence: PackedSequence,
  row: (at: number, sequence: PackedSequence, place: number) => void,
): Promise<void> {
  const { length } = sequence;
  for (let i = 0; i < batch; i++) {
    if (i < units.length) await file.read(units[i], sequence);
    else sequence.clear();
    for (let place = 0; place < length; place++) {
      const at = i * length + place;
      decoder.ids[at] = BigInt(sequence.ids[place]);
      decoder.positions[at] = BigInt(sequence.positions[place]);
      decoder.segments[at] = BigInt(sequence.segments[place]);
      row(at, sequence, place);
    }
  }
}

/** How many tokens have a label so many places on, for 1 .. `furthest`. */
export async function countLabels(
  file: SequenceFile,
  units: ArrayLike<number>,
  furthest: number,
  sequence: PackedSequence,
): Promise<number[]> {
  const counts = new Array<number>(furthest).fill(0);
  for (let i = 0; i < units.length; i++) {
    await file.read(units[i], sequence, { rows: false });
    for (let place = 0; place < sequence.length; place++) {
      for (let ahead = 1; ahead <= furthest; ahead++) if (sequence.label(place, ahead) >= 0) counts[ahead - 1]++;
    }
  }
  return counts;
}
