import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StopStrings } from "../../../src/generation/stopping.js";

/** A text over few letters, so that stop strings overlap themselves and each other. */
const text = (maxLength: number, minLength = 0) =>
  fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength, minLength });
const stopLists = fc.array(text(5, 1), { minLength: 1, maxLength: 4 });

function cut(whole: string, places: readonly number[]): string[] {
  const ends = [...new Set(places.map((place) => Math.min(place, whole.length)))].sort((a, b) => a - b);
  return [0, ...ends].map((start, i) => whole.slice(start, [...ends, whole.length][i]));
}

describe("stop strings", () => {
  it("find the earliest match however the text is cut, and give out all before it and nothing after", () => {
    const cuts = fc.array(fc.nat(40), { maxLength: 12 });
    fc.assert(
      fc.property(text(40), stopLists, cuts, (whole, stops, places) => {
        const finder = new StopStrings(stops);
        let out = "";
        let stopped = false;
        for (const piece of cut(whole, places)) {
          const result = finder.push(piece);
          out += result.text;
          stopped = result.stopped;
          if (stopped) break;
        }
        if (!stopped) {
          const last = finder.flush();
          out += last.text;
          stopped = last.stopped;
        }
        const found = stops.map((stop) => whole.indexOf(stop)).filter((at) => at >= 0);
        expect(stopped).toBe(found.length > 0);
        expect(out).toBe(found.length > 0 ? whole.slice(0, Math.min(...found)) : whole);
      }),
      { numRuns: 5000 },
    );
  });

  it("are found in the text with hidden pieces and in the text without them, and hidden pieces are not given out", () => {
    // Upper-case letters stand for special tokens.
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "A", "B"), maxLength: 30 });
    const stops = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "A", "B"), minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 3,
    });
    const visible = (text: string) => text.replace(/[AB]/g, "");
    fc.assert(
      fc.property(letters, stops, (whole, list) => {
        const finder = new StopStrings(list);
        let out = "";
        let stopped = false;
        for (const letter of whole) {
          const result = finder.push(letter, letter < "a");
          out += result.text;
          stopped = result.stopped;
          if (stopped) break;
        }
        if (!stopped) {
          const last = finder.flush();
          out += last.text;
          stopped = last.stopped;
        }
        const places = list.flatMap((stop) => [
          whole.includes(stop) ? visible(whole.slice(0, whole.indexOf(stop))).length : Number.POSITIVE_INFINITY,
          visible(whole).includes(stop) ? visible(whole).indexOf(stop) : Number.POSITIVE_INFINITY,
        ]);
        const first = Math.min(...places);
        expect(stopped).toBe(first < Number.POSITIVE_INFINITY);
        expect(out).toBe(visible(whole).slice(0, first));
      }),
      { numRuns: 5000 },
    );
  });

  it("hold back no more than the longest stop string", () => {
    fc.assert(
      fc.property(text(40), stopLists, (whole, stops) => {
        const finder = new StopStrings(stops);
        const longest = Math.max(...stops.map((stop) => stop.length));
        let given = 0;
        for (const [i, letter] of [...whole].entries()) {
          const result = finder.push(letter);
          given += result.text.length;
          if (result.stopped) return;
          expect(i + 1 - given).toBeLessThan(2 * longest);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("refuse an empty stop string", () => {
    expect(() => new StopStrings(["x", ""])).toThrow(/stopStrings holds an empty text/);
  });
});
