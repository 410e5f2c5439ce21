import { ELEMENT_TYPES } from "../../formats/onnx/onnx-writer.js";
import type { DecoderHead, FinalRows } from "../gradient/decoder-head.js";
import { add } from "../gradient/rules/add.js";
import { crossEntropy } from "../gradient/rules/cross-entropy.js";
import { klDivergence } from "../gradient/rules/kl-divergence.js";
import { log } from "../gradient/rules/log.js";
import { scale } from "../gradient/rules/mul.js";
import { overlap } from "../gradient/rules/overlap.js";
import { reverseKl } from "../gradient/rules/reverse-kl.js";
import { weightedSum } from "../gradient/rules/weighted-sum.js";
import type { Tape, Value } from "../gradient/tape.js";
import { COUNTS, TEACHER_DRAFT_HEAD, TEACHER_HEAD, TEACHER_HIDDEN, teacherHead } from "../teacher-rows.js";
import type { DistillationLoss } from "./options.js";

export interface DistillationShape {
  vocabSize: number;
  teacherHiddenSize: number;
  loss: DistillationLoss;
  /** Whether the cross-entropy of the text is a loss too. */
  text: boolean;
  /** The target's ids of the draft's vocabulary, where it is not the target's. */
  targetIds?: Int32Array;
}

/**
 * A draft's losses against its teacher: `distillation`, and `text` where it is wanted. A draft with a vocabulary of its own
 * learns the teacher's distribution over that; what it lacks counts as missed in the measures.
 */
export function distillationHead(shape: DistillationShape): DecoderHead {
  const { vocabSize, teacherHiddenSize, loss, text, targetIds } = shape;
  const known = targetIds && teacherHead(targetIds.length, teacherHiddenSize, TEACHER_DRAFT_HEAD);
  const head = (known ?? { name: TEACHER_HEAD }).name;
  return {
    weights: [teacherHead(vocabSize, teacherHiddenSize), ...(known ? [known] : [])],
    inputs: {
      [TEACHER_HIDDEN]: { type: "f32", width: teacherHiddenSize },
      [COUNTS]: { type: "f32", width: 1 },
      ...(text && { labels: { type: "i64" } }),
    },
    rowSize: vocabSize,
    losses: (tape, rows) => {
      const logits = rows.logits();
      return {
        distillation: LOSSES[loss](tape, logits, teacherLogits(rows, head)),
        ...(text && { text: crossEntropy(tape, logits, "labels") }),
      };
    },
    measures: (tape, rows) => {
      const [logits, teacher] = [rows.logits(), teacherLogits(rows, TEACHER_HEAD)];
      const best = (of: Value | string) => tape.node("ArgMax", [of], { axis: -1, keepdims: 0 });
      const ids = targetIds && tape.integers(...targetIds);
      const draft = ids ? tape.node("Gather", [ids, best(logits)]) : best(logits);
      const said = ids ? { probabilities: probabilitiesOf(tape, teacher, ids) } : teacher;
      return {
        agreement: tape.node("Cast", [tape.node("Equal", [draft, best(teacher)])], { to: ELEMENT_TYPES.f32 }),
        acceptance: tape.node("Squeeze", [overlap(tape, logits, said), tape.integers(1)]),
      };
    },
  };
}

function teacherLogits({ ops }: FinalRows, head: string): string {
  return ops.linear({ name: TEACHER_HIDDEN, tracked: false }, head).name;
}

/** The columns `ids` of the softmax over all tokens. */
function probabilitiesOf(tape: Tape, logits: string, ids: string): string {
  return tape.node("Gather", [tape.node("Softmax", [logits], { axis: -1 }), ids], { axis: 1 });
}

/** Sums over the rows that count. */
const LOSSES: Record<DistillationLoss, (tape: Tape, logits: Value, teacher: string) => Value> = {
  kl: (tape, logits, teacher) => klDivergence(tape, logits, { logits: teacher }, COUNTS),
  "reverse-kl": (tape, logits, teacher) => reverseKl(tape, logits, teacher, COUNTS),
  tv: (tape, logits, teacher) => {
    const one = { name: tape.constant(1), tracked: false };
    return weightedSum(tape, add(tape, scale(tape, overlap(tape, logits, teacher), -1), one), COUNTS);
  },
  lk: (tape, logits, teacher) => weightedSum(tape, scale(tape, log(tape, overlap(tape, logits, teacher)), -1), COUNTS),
};
