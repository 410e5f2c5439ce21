import type { ParameterSpec } from "./parameters.js";

/** Names of what a teacher gives: its final hidden rows, and the output product that makes logits of them. */
export const TEACHER_HIDDEN = "teacher.hidden";
export const TEACHER_HEAD = "teacher.lm_head";
/** Of the output product the rows of a draft's vocabulary. */
export const TEACHER_DRAFT_HEAD = "teacher.draft_lm_head";
/** 1 for a row that counts, 0 for others: [R, 1]. */
export const COUNTS = "counts";

/** The teacher's output product, or rows of it, which is not trained. */
export function teacherHead(rows: number, hiddenSize: number, name = TEACHER_HEAD): ParameterSpec & { trained: false } {
  return { name, dims: [rows, hiddenSize], trained: false };
}
