import type { TokenId } from "../../../src/types/token.js";
import { chainOf, type OracleOf, roomOf } from "./proposal.js";

/** Prompt lookup over the whole text, foreseen tokens included, with the method's default lengths unless given. */
export function lookupOracle(match: "latest" | "frequent", length = 4, maxNgram = 3, minNgram = 1): OracleOf {
  return () => ({
    async expected(moment) {
      const text = [...moment.text, ...moment.foreseen];
      const { nodes, depth } = roomOf(moment);
      const room = Math.min(length, nodes, depth);
      for (let n = maxNgram; n >= minNgram; n--) {
        const after = placesAfter(text, text.slice(-n)).filter((place) => place < text.length);
        if (after.length === 0) continue;
        const place = match === "latest" ? Math.max(...after) : mostFrequent(text, after);
        return [chainOf(moment, text.slice(place, place + room))];
      }
      return [chainOf(moment, [])];
    },
  });
}

/** The latest of the places that hold the most frequent token. */
function mostFrequent(text: readonly TokenId[], places: readonly number[]): number {
  const count = (place: number) => places.filter((other) => text[other] === text[place]).length;
  const most = Math.max(...places.map(count));
  return Math.max(...places.filter((place) => count(place) === most));
}

/**
 * What followed the longest end of the text that stands in it before, or, if that one is longer, in a corpus. An end
 * that stands at several places may be continued at any of them. Foreseen tokens are read, not looked up in.
 */
export function suffixOracle(corpus: readonly TokenId[] = [], length = 4, minMatch = 1): OracleOf {
  return () => ({
    async expected(moment) {
      const { text, foreseen } = moment;
      const { nodes, depth } = roomOf(moment);
      const room = Math.min(length, nodes, depth);
      const all = [...text, ...foreseen];
      // The end must stand earlier: the text's own last place is none, unless foreseen tokens follow it.
      const own = longestEnd(all, (end) =>
        placesAfter(text, end).filter((place) => place < text.length || foreseen.length > 0),
      );
      const other = longestEnd(all, (end) => placesAfter(corpus, end));
      const [found, source] = other.length > own.length && other.length >= minMatch ? [other, corpus] : [own, text];
      if (found.length < minMatch) return [chainOf(moment, [])];
      return found.places.map((place) => chainOf(moment, source.slice(place, place + room)));
    },
  });
}

function longestEnd(text: readonly TokenId[], placesOf: (end: readonly TokenId[]) => number[]) {
  for (let length = text.length; length > 0; length--) {
    const places = placesOf(text.slice(-length));
    if (places.length > 0) return { length, places };
  }
  return { length: 0, places: [] };
}

/** Where a text goes on after each place of `words`, its end included. */
function placesAfter(text: readonly TokenId[], words: readonly TokenId[]): number[] {
  const places: number[] = [];
  for (let at = 0; at + words.length <= text.length; at++) {
    if (words.every((word, i) => text[at + i] === word)) places.push(at + words.length);
  }
  return places;
}
