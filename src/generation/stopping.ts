import { UsageError } from "../types/errors.js";

/** What a piece of text became after looking for stop strings. */
export interface StopResult {
  /** Text that is certain not to be part of a stop string. */
  text: string;
  /** Whether a stop string was found; `text` ends where the earliest begins. */
  stopped: boolean;
}

/** A piece of the output; hidden ones, special tokens, are looked at and not given out. */
interface Piece {
  text: string;
  hidden: boolean;
}

/**
 * Looks for stop strings in a text that comes in pieces, however it is cut. Holds back what could become one. They are
 * found in the text with its hidden pieces, as transformers' StopStringCriteria reads it, and in the text without them.
 */
export class StopStrings {
  private held: Piece[] = [];

  /** @throws UsageError for an empty stop string */
  constructor(private readonly stops: readonly string[]) {
    if (stops.includes("")) throw new UsageError("stopStrings holds an empty text: leave it out");
  }

  /** Takes the next piece. After a match nothing more should be pushed. */
  push(text: string, hidden = false): StopResult {
    if (text !== "") this.held.push({ text, hidden });
    const whole = this.joined(true);
    const found = this.earliest(find);
    // A stop string that begins earlier may still be under way where this one was found.
    const open = this.earliest(openFrom);
    if (found < whole.length && !(open < found)) return { text: this.take(found), stopped: true };
    return { text: this.take(Math.min(found, open)), stopped: false };
  }

  /** The end of the text: what was held back, up to a stop string in it. */
  flush(): StopResult {
    const end = this.joined(true).length;
    const found = this.earliest(find);
    const text = this.take(found);
    this.held = [];
    return { text, stopped: found < end };
  }

  private joined(withHidden: boolean): string {
    return this.held.map(({ text, hidden }) => (hidden && !withHidden ? "" : text)).join("");
  }

  /** The smaller of what `place` finds in the text with its hidden pieces and without, as a place in the former. */
  private earliest(place: (text: string, stops: readonly string[]) => number): number {
    const whole = place(this.joined(true), this.stops);
    if (!this.held.some(({ hidden }) => hidden)) return whole;
    let left = place(this.joined(false), this.stops);
    let at = 0;
    for (const { text, hidden } of this.held) {
      if (!hidden && left < text.length) return Math.min(whole, at + left);
      if (!hidden) left -= text.length;
      at += text.length;
    }
    return whole;
  }

  /** Gives out the text before `end` and keeps the rest. */
  private take(end: number): string {
    let [given, at] = ["", 0];
    const rest: Piece[] = [];
    for (const { text, hidden } of this.held) {
      const cut = Math.max(0, Math.min(text.length, end - at));
      if (!hidden) given += text.slice(0, cut);
      if (cut < text.length) rest.push({ text: text.slice(cut), hidden });
      at += text.length;
    }
    this.held = rest;
    return given;
  }
}

/** Where the earliest stop string begins; the text's length when there is none. */
function find(text: string, stops: readonly string[]): number {
  const places = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return Math.min(text.length, ...places);
}

/** Where the earliest begins that may still be incomplete at the end of the text; the text's length when there is none. */
function openFrom(text: string, stops: readonly string[]): number {
  let earliest = text.length;
  for (const stop of stops) {
    for (let at = Math.max(0, text.length - stop.length + 1); at < earliest; at++) {
      if (stop.startsWith(text.slice(at))) earliest = at;
    }
  }
  return earliest;
}
