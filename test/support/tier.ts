/**
 * Tiers of the same tests. `npm test` holds every promise on some prompts and samples; `npm run test:full`
 * (FORETOKEN_FULL=1) on many more, FORETOKEN_FULL=2 on all of them.
 */
const FULL = ["1", "2"].includes(process.env.FORETOKEN_FULL ?? "");

/** Of lists longer than this every fourth item is looked at, so that the full tier takes minutes. */
const MANY = 20;

/** The first in the full tier, the second in the fast one: counts of prompts, samples, sizes. */
export function tier<T>(full: T, fast: T): T {
  return FULL ? full : fast;
}

/** The first with FORETOKEN_FULL=2, the second in the full tier, the third in the fast one: for what takes minutes. */
export function deepTier<T>(deep: T, full: T, fast: T): T {
  return process.env.FORETOKEN_FULL === "2" ? deep : tier(full, fast);
}

/**
 * All items in the full tier, of long lists every fourth; in the fast one `count` of them, the first and then at even
 * distances.
 */
export function some<T>(items: readonly T[], count: number): T[] {
  if (process.env.FORETOKEN_FULL === "1" && items.length > MANY) return items.filter((_, i) => i % 4 === 0);
  if (FULL || items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]);
}
