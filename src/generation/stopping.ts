import { UsageError } from "../types/errors.js";

/** What a piece of text became after looking for stop strings. */
export interface StopResult {
  /** Text that is certain not to be part of a stop string. */
  text: string;
  stopped: boolean;
  /** The stop string found; the earliest in the text, the longest of those that begin there. */
  match?: string;
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
    // A longer or earlier stop string may still be under way where this one was found.
    if (found && !this.couldBeat(text, found)) {
      this.held = "";
      return { text: text.slice(0, found.at), stopped: true, match: found.stop };
    }
    const keep = found ? Math.max(this.partialLength(text), text.length - found.at) : this.partialLength(text);
    this.held = text.slice(text.length - keep);
    return { text: text.slice(0, text.length - keep), stopped: false };
  }

  /** The end of the text: what was held back, or the stop string that a longer one was waited for. */
  flush(): StopResult {
    const text = this.held;
    this.held = "";
    const found = this.find(text);
    return found ? { text: text.slice(0, found.at), stopped: true, match: found.stop } : { text, stopped: false };
  }

  private find(text: string): { at: number; stop: string } | undefined {
    let best: { at: number; stop: string } | undefined;
    for (const stop of this.stops) {
      const at = text.indexOf(stop);
      if (at < 0) continue;
      if (!best || at < best.at || (at === best.at && stop.length > best.stop.length)) best = { at, stop };
    }
    return best;
  }

  /** Whether a stop string that begins before the match is still incomplete at the end of the text. */
  private couldBeat(text: string, found: { at: number }): boolean {
    return this.stops.some((stop) => {
      for (let at = Math.max(0, text.length - stop.length + 1); at < found.at; at++) {
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
