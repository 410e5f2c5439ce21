import { UsageError } from "../types/errors.js";

/** What a piece of text became after looking for stop strings. */
export interface StopResult {
  /** Text that is certain not to be part of a stop string. */
  text: string;
  /** Whether a stop string was found; `text` ends where the earliest begins. */
  stopped: boolean;
}

/** Looks for stop strings in a text that comes in pieces, however it is cut. Holds back what could become one. */
export class StopStrings {
  private held = "";

  /** @throws UsageError for an empty stop string */
  constructor(private readonly stops: readonly string[]) {
    if (stops.includes("")) throw new UsageError("stopStrings holds an empty text: leave it out");
  }

  /** Takes the next piece. After a match nothing more should be pushed. */
  push(piece: string): StopResult {
    const text = this.held + piece;
    const found = this.find(text);
    // A stop string that begins earlier may still be under way where this one was found.
    if (found >= 0 && !this.couldBeat(text, found)) {
      this.held = "";
      return { text: text.slice(0, found), stopped: true };
    }
    const partial = this.partialLength(text);
    const keep = found >= 0 ? Math.max(partial, text.length - found) : partial;
    this.held = text.slice(text.length - keep);
    return { text: text.slice(0, text.length - keep), stopped: false };
  }

  /** The end of the text: what was held back, up to a stop string in it. */
  flush(): StopResult {
    const text = this.held;
    this.held = "";
    const found = this.find(text);
    return found >= 0 ? { text: text.slice(0, found), stopped: true } : { text, stopped: false };
  }

  /** Where the earliest stop string begins, or -1. */
  private find(text: string): number {
    const places = this.stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    return places.length > 0 ? Math.min(...places) : -1;
  }

  /** Whether a stop string that begins before the match is still incomplete at the end of the text. */
  private couldBeat(text: string, found: number): boolean {
    return this.stops.some((stop) => {
      for (let at = Math.max(0, text.length - stop.length + 1); at < found; at++) {
        if (stop.startsWith(text.slice(at))) return true;
      }
      return false;
    });
  }

  /** Length of the longest end of the text that begins a stop string. */
  private partialLength(text: string): number {
    let longest = 0;
    for (const stop of this.stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (stop.startsWith(text.slice(text.length - length))) longest = length;
      }
    }
    return longest;
  }
}
