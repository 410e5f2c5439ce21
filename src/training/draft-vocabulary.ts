/** The ids that occur most often, ascending; of equally frequent ones the lower. */
export function mostFrequent(counts: ArrayLike<number>, size: number): number[] {
  const ids = Array.from({ length: counts.length }, (_, id) => id);
  ids.sort((a, b) => counts[b] - counts[a] || a - b);
  return ids.slice(0, size).sort((a, b) => a - b);
}
