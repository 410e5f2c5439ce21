import { UsageError } from "../types/errors.js";

/** Places of the layers that are left. @throws UsageError when a place to skip is none, or no layer is left */
export function layersWithout(skipped: readonly number[], numLayers: number): number[] {
  assertLayerList(skipped);
  const places = Array.from({ length: numLayers }, (_, i) => i);
  const layers = places.filter((place) => !skipped.includes(place));
  if (skipped.every((place) => places.includes(place)) && layers.length > 0 && layers.length < numLayers) return layers;
  throw new UsageError(
    `layers to skip must be some, not all, of 0 to ${numLayers - 1}, got ${JSON.stringify(skipped)}`,
  );
}

export function assertLayerList(skipped: readonly number[]): void {
  if (!Array.isArray(skipped)) throw new UsageError("layers to skip are given as a list of places, such as [1, 3]");
}
