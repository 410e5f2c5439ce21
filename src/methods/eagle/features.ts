/** The target's features at places of a text. */
export interface FeatureSource {
  /** The first place that one may be known of. */
  readonly first: number;
  /** The residual streams at a place, one after the other; undefined where nobody has seen them. */
  at(place: number): Float32Array | undefined;
  /** They were used up to here: only the one of the text's last row may be asked for again. */
  forgetBefore(place: number): void;
}

/** Features that wait, at most: while nothing is drafted for long, older ones are left out. */
const MOST = 512;

/** Features as the target's passes bring them. */
export class RecentFeatures implements FeatureSource {
  private readonly known: Map<number, Float32Array>;
  private newest: number;

  constructor(from?: RecentFeatures) {
    this.known = new Map(from?.known);
    this.newest = from?.newest ?? -1;
  }

  get first(): number {
    for (const place of this.known.keys()) return place;
    return 0;
  }

  at(place: number): Float32Array | undefined {
    return this.known.get(place);
  }

  learn(place: number, streams: Float32Array): void {
    // What was known of later places was of a text that went another way. The keys stand in order.
    if (place <= this.newest) for (const known of this.known.keys()) if (known >= place) this.known.delete(known);
    this.newest = place;
    this.known.set(place, streams);
    if (this.known.size > MOST) this.known.delete(this.first);
  }

  forgetBefore(place: number): void {
    for (const known of this.known.keys()) if (known < place) this.known.delete(known);
  }
}

/** Features of a whole text that is known beforehand. */
export class KnownFeatures implements FeatureSource {
  readonly first = 0;

  constructor(private readonly streams: readonly Float32Array[]) {}

  at(place: number): Float32Array | undefined {
    return this.streams[place];
  }

  forgetBefore(): void {}
}
