import type { TokenId } from "../types/token.js";

/**
 * Noise that belongs to the request: a counter-based hash of (seed, sample, position, stream, token). The same for
 * target and drafts, and independent of batch, tree and drafter (Daliri, Musco, Suresh 2024).
 */
export interface NoiseKey {
  /** Two independently mixed 32-bit words. */
  readonly a: number;
  readonly b: number;
}

/** What a position's noise is for; streams never share values. */
export const NoiseStream = { gumbel: 1, verifier: 2, draft: 3 } as const;

/** murmur3's finaliser: every input bit reaches every output bit. */
function mix(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** The key of one position. @param seed integer in [0, 2^53) */
export function noiseKey(seed: number, sampleIndex: number, position: number, stream: number): NoiseKey {
  const high = Math.floor(seed / 2 ** 32);
  let a = 0x9e3779b9;
  let b = 0x7f4a7c15;
  for (const word of [seed | 0, high, sampleIndex, position, stream]) {
    a = mix(Math.imul(a, 31) + word + b);
    b = mix((Math.imul(b, 0x2545f491) ^ word) + a);
  }
  return { a, b };
}

/** First 32 random bits of a token: an unsigned integer. Two rounds, so that keys are not mere shifts of each other. */
export function noiseBits(key: NoiseKey, token: TokenId): number {
  return mix(mix(Math.imul(token, 0x9e3779b1) + key.a) ^ key.b) >>> 0;
}

/** Gumbel noise of a token from its first bits (as noiseBits gives them) and 32 further ones. */
export function gumbelFrom(bits: number, key: NoiseKey, token: TokenId): number {
  const low = mix(mix(Math.imul(token, 0x85ebca77) ^ key.b) + key.a) >>> 0;
  // v is uniform in (0, 1) with 64 bits; large noise comes from small v, where floats are finest.
  const v = (bits + (low + 0.5) / 2 ** 32) / 2 ** 32;
  return -Math.log(-Math.log1p(-v));
}

export function gumbel(key: NoiseKey, token: TokenId): number {
  return gumbelFrom(noiseBits(key, token), key, token);
}

/** BOUNDS[n]: no token whose first bits have n leading zeros has more noise than this. */
export const GUMBEL_BOUNDS = Float64Array.from({ length: 33 }, (_, zeros) =>
  // v >= 2^-(zeros + 1), and -log(-log1p(-v)) <= -log(v); 32 zeros leave the further bits: v >= 2^-65.
  zeros === 32 ? 65 * Math.LN2 : (zeros + 1) * Math.LN2,
);

/** The n-th uniform number in [0, 1) of a key, with 53 bits. */
export function uniform(key: NoiseKey, n: number): number {
  const high = noiseBits(key, n) >>> 5;
  const low = (mix(mix(Math.imul(n, 0x85ebca77) ^ key.b) + key.a) >>> 0) >>> 6;
  return (high * 2 ** 26 + low) / 2 ** 53;
}
