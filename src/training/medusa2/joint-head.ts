import { medusaHeads } from "../../models/medusa/medusa-heads.js";
import type { DecoderHead, FinalRows } from "../gradient/decoder-head.js";
import { crossEntropy } from "../gradient/rules/cross-entropy.js";
import { klDivergence } from "../gradient/rules/kl-divergence.js";
import { softmaxAndLogSumExp } from "../gradient/rules/log-softmax-parts.js";
import type { Tape, Value } from "../gradient/tape.js";
import { type HeadShape, headParameters, ofHead } from "../medusa/head-graph.js";
import { COUNTS, TEACHER_HEAD, TEACHER_HIDDEN, teacherHead } from "../teacher-rows.js";

/** Input: what each head is to guess, i64 [R, heads]. */
export const HEAD_LABELS = "head.labels";
export const headLoss = (head: number) => `head.${head}`;
/** Measures: the text's negative log-likelihood under the base, and the place of the right token among a head's candidates. */
export const LOG_LOSS = "logLoss";
export const headRank = (head: number) => `rank.${head}`;

export interface JointShape extends HeadShape {
  heads: number;
  /** Whether the base learns from what a teacher said, else from the text. */
  teacher: boolean;
  /** Whether the base's output product is trained; the teacher's is then one of its own. */
  lmHeadTrained: boolean;
}

/** The losses of a base with Medusa heads on it (Medusa-2, Cai et al. 2024, section 3.2): `base`, and one for each head. */
export function jointHead(shape: JointShape): DecoderHead {
  const { heads, layers, sharedHead, teacher, lmHeadTrained, vocabSize, hiddenSize } = shape;
  const ofHeads = Array.from({ length: heads }, (_, head) =>
    headParameters(shape).map(({ name, dims }) => ({ name: ofHead(name, head), dims, trained: true })),
  ).flat();
  const own = teacher && lmHeadTrained ? [teacherHead(vocabSize, hiddenSize)] : [];
  const blocks = Array.from({ length: layers }, () => ({ weight: "" }));
  const heading = Array.from({ length: heads }, () => ({ blocks, ...(!sharedHead && { lmHead: "own" }) }));
  const headLogits = ({ ops, hidden }: FinalRows) => medusaHeads(ops, { heads: heading }, hidden);
  return {
    weights: [...ofHeads, ...own],
    aliases: new Map([
      ["shared.lm_head", "lm_head"],
      ...(teacher && !lmHeadTrained ? ([[TEACHER_HEAD, "lm_head"]] as const) : []),
    ]),
    inputs: {
      labels: { type: "i64" },
      [HEAD_LABELS]: { type: "i64", width: heads },
      ...(teacher && {
        [TEACHER_HIDDEN]: { type: "f32", width: hiddenSize } as const,
        [COUNTS]: { type: "f32", width: 1 } as const,
      }),
    },
    rowSize: vocabSize * heads,
    losses: (tape, rows) => {
      const base = teacher ? klToTeacher(tape, rows) : crossEntropy(tape, rows.logits(), "labels");
      const ofEach = headLogits(rows).map((logits, head) => [
        headLoss(head),
        crossEntropy(tape, logits, labelsOf(tape, head)),
      ]);
      return { base, ...Object.fromEntries(ofEach) };
    },
    measures: (tape, rows) => ({
      [LOG_LOSS]: logLoss(tape, rows.logits()),
      ...Object.fromEntries(
        headLogits(rows).map((logits, head) => [headRank(head), rankOf(tape, logits, labelsOf(tape, head))]),
      ),
    }),
  };
}

function klToTeacher(tape: Tape, rows: FinalRows): Value {
  const teacher = rows.ops.linear({ name: TEACHER_HIDDEN, tracked: false }, TEACHER_HEAD);
  return klDivergence(tape, rows.logits(), { logits: teacher.name }, COUNTS);
}

function labelsOf(tape: Tape, head: number): string {
  const column = tape.node("Gather", [HEAD_LABELS, tape.integers(head)], { axis: 1 });
  return tape.node("Squeeze", [column, tape.integers(1)]);
}

/** The logit of each row's label [R, 1]; of the token 0 where it has none. */
function labelLogit(tape: Tape, logits: Value, labels: string): string {
  const column = tape.node("Unsqueeze", [labels, tape.integers(1)]);
  return tape.node("GatherElements", [logits, tape.node("Max", [column, tape.integers(0)])], { axis: 1 });
}

/** -log p of each row's label [R]. */
function logLoss(tape: Tape, logits: Value): string {
  const { logSumExp } = softmaxAndLogSumExp(tape, logits);
  return tape.node("Squeeze", [tape.node("Sub", [logSumExp, labelLogit(tape, logits, "labels")]), tape.integers(1)]);
}

/** How many tokens are likelier than the label [R]. */
function rankOf(tape: Tape, logits: Value, labels: string): string {
  const likelier = tape.node("Greater", [logits, labelLogit(tape, logits, labels)]);
  const ones = tape.node("Where", [likelier, tape.constant(1), tape.constant(0)]);
  return tape.node("ReduceSum", [ones, tape.integers(-1)], { keepdims: 0 });
}
