import type { ParameterSpec } from "./parameters.js";

/** Names of what a teacher gives: its final hidden rows, and the output product that makes logits of them. */
export const TEACHER_HIDDEN = "teacher.hidden";
export const TEACHER_HEAD = "teacher.lm_head";
/** 1 for a row that counts, 0 for others: [R, 1]. */
export const COUNTS = "counts";

/** The teacher's output product, which is not trained. */
export function teacherHead(vocabSize: number, hiddenSize: number): ParameterSpec & { trained: false } {
  return { name: TEACHER_HEAD, dims: [vocabSize, hiddenSize], trained: false };
}
