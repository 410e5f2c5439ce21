/**
 * Whether an example is kept for validation: every `every`-th one is, by its place in the data. What is added behind changes
 * nothing about those before.
 */
export const isHeldOut = (place: number, every: number): boolean => place % every === every - 1;
