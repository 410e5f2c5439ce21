import { literal, oneOf, optional, repeated } from "./ebnf.js";

/** A bound and whether the value itself is left out. */
export interface Bound {
  value: number;
  exclusive: boolean;
}

/** Digits after the decimal point beyond those of the bounds. */
const MORE_DIGITS = 6;
const NATURAL = '("0" | [1-9] [0-9]*)';

export const ANY_INTEGER = `("0" | "-"? [1-9] [0-9]*)`;
export const ANY_NUMBER = `"-"? ${NATURAL} ("." [0-9]+)? ([eE] [+\\-]? [0-9]+)?`;

/** Integers between two bounds; undefined when there is none. */
export function integers(low: Bound | undefined, high: Bound | undefined): string | undefined {
  const least = low && ceiling(low);
  const most = high && -ceiling({ value: -high.value, exclusive: high.exclusive });
  if (least !== undefined && most !== undefined && least > most) return undefined;
  const positive = most !== undefined && most < 0n ? undefined : naturals(least && least > 0n ? least : 0n, most);
  const from = most !== undefined && most < 0n ? -most : 1n;
  const negative = least !== undefined && least >= 0n ? undefined : naturals(from, least && -least);
  return oneOf([positive, negative && `"-" ${negative}`]);
}

/** The least integer within a lower bound. */
function ceiling({ value, exclusive }: Bound): bigint {
  const least = BigInt(Math.ceil(value));
  return exclusive && Number.isInteger(value) ? least + 1n : least;
}

/** Natural numbers from one to another, without leading zeros. */
function naturals(least: bigint, most: bigint | undefined): string | undefined {
  if (most !== undefined && least > most) return undefined;
  const low = String(least);
  const longest = most === undefined ? low.length : String(most).length;
  const parts: (string | undefined)[] = [];
  for (let length = low.length; length <= longest; length++) {
    const from = length === low.length ? low : `1${"0".repeat(length - 1)}`;
    const to = most !== undefined && length === longest ? String(most) : "9".repeat(length);
    parts.push(sameLength(from, to));
  }
  if (most === undefined) parts.push(`[1-9] ${repeated("[0-9]", longest, undefined)}`);
  return oneOf(parts);
}

/** Texts of digits between two of the same length. */
function sameLength(from: string, to: string): string {
  if (from === to) return literal(from);
  const rest = from.length - 1;
  if (/^0*$/.test(from) && /^9*$/.test(to)) return repeated("[0-9]", from.length, from.length);
  if (from[0] === to[0]) return `${literal(from[0])} ${sameLength(from.slice(1), to.slice(1))}`;
  const [first, last] = [Number(from[0]), Number(to[0])];
  const wholeFrom = /^0*$/.test(from.slice(1));
  const wholeTo = /^9*$/.test(to.slice(1));
  const [low, high] = [wholeFrom ? first : first + 1, wholeTo ? last : last - 1];
  const free = rest > 0 ? ` ${repeated("[0-9]", rest, rest)}` : "";
  return oneOf([
    wholeFrom ? undefined : `${literal(from[0])} ${sameLength(from.slice(1), "9".repeat(rest))}`,
    low > high ? undefined : `[${low}-${high}]${free}`,
    wholeTo ? undefined : `${literal(to[0])} ${sameLength("0".repeat(rest), to.slice(1))}`,
  ])!;
}

/** Decimal numbers between two bounds, of which one is given, without exponents; undefined when there is none. */
export function decimals(low: Bound | undefined, high: Bound | undefined): string | undefined {
  const zero = { value: 0, exclusive: false };
  const above = high && high.value < 0 ? undefined : magnitudes(low && low.value >= 0 ? low : zero, high);
  const beyond = high && high.value <= 0 ? { ...high, value: -high.value } : undefined;
  // Minus zero is zero: it is written without its sign.
  const nearest = beyond && beyond.value > 0 ? beyond : { value: 0, exclusive: true };
  const below = low && low.value >= 0 ? undefined : magnitudes(nearest, low && { ...low, value: -low.value });
  return oneOf([above, below && `"-" ${below}`]);
}

function magnitudes(low: Bound, high: Bound | undefined): string | undefined {
  const [least, lowDigits] = plain(low.value);
  const [most, highDigits] = high ? plain(high.value) : [undefined, ""];
  const digits = Math.max(lowDigits.length, highDigits.length) + MORE_DIGITS;
  const from = { digits: lowDigits, exclusive: low.exclusive };
  const to = high && { digits: highDigits, exclusive: high.exclusive };
  const whole = (value: bigint, fraction: string | undefined) =>
    fraction === undefined ? undefined : `${literal(String(value))} ${fraction}`;
  if (most === least) return whole(least, fractions(from, to, digits));
  if (most !== undefined && most < least) return undefined;
  const between = naturals(least + 1n, most === undefined ? undefined : most - 1n);
  return oneOf([
    whole(least, fractions(from, undefined, digits)),
    between && `${between} ${fractions(undefined, undefined, digits)}`,
    most === undefined ? undefined : whole(most, fractions(undefined, to, digits)),
  ]);
}

/** Integer part and digits after the point, without zeros at the end. */
function plain(value: number): [whole: bigint, digits: string] {
  const [, whole, fraction = "", exponent = "0"] = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value))!;
  const shift = Number(exponent);
  const all = shift < 0 ? "0".repeat(-shift) + whole + fraction : whole + fraction.padEnd(shift, "0");
  const point = whole.length + Math.max(shift, 0);
  return [BigInt(all.slice(0, point)), all.slice(point).replace(/0+$/, "")];
}

/** What is left of a bound's digits while a number follows them. */
interface Edge {
  digits: string;
  exclusive: boolean;
}

/** What may stand after an integer part that is the bounds' own: nothing, or a point and digits. */
function fractions(low: Edge | undefined, high: Edge | undefined, digits: number): string | undefined {
  const more = nextDigits(low, high, digits);
  const point = more && `"." ${more}`;
  if (!mayEnd(low, high)) return point;
  return point ? optional(point) : '""';
}

function mayEnd(low: Edge | undefined, high: Edge | undefined): boolean {
  const above = !low || (low.digits === "" && !low.exclusive);
  return above && (high?.digits !== "" || !high.exclusive);
}

/** One digit or more, within the edges. */
function nextDigits(low: Edge | undefined, high: Edge | undefined, most: number): string | undefined {
  if (most === 0) return undefined;
  if (low?.digits === "" && !low.exclusive) return nextDigits(undefined, high, most);
  if (!low && !high) return repeated("[0-9]", 1, most);
  const parts: (string | undefined)[] = [];
  const [first, last] = [Number(low?.digits[0] ?? 0), Number(high ? high.digits[0] || 0 : 9)];
  for (let digit = first; digit <= last; digit++) {
    const nextLow = low && digit === first ? follow(low) : undefined;
    const nextHigh = high && digit === last ? follow(high) : undefined;
    const from = digit;
    // Digits between the edges are free.
    if (!nextLow && !nextHigh) while (digit + 1 < (high ? last : last + 1)) digit++;
    const more = nextDigits(nextLow, nextHigh, most - 1);
    const end = mayEnd(nextLow, nextHigh);
    if (!more && !end) continue;
    const rest = more ? (end ? ` ${optional(more)}` : ` ${more}`) : "";
    parts.push(`[${from}-${digit}]${rest}`);
  }
  return oneOf(parts);
}

/** The edge after its next digit. */
function follow(edge: Edge): Edge {
  return { ...edge, digits: edge.digits.slice(1) };
}
