/** Answers that are finished in any order and written in that of their prompts. */
export class AnswersInOrder {
  private readonly places: number[] = [];
  private readonly finished = new Map<number, object | undefined>();

  /** Answers that were begun and not taken. */
  get open(): number {
    return this.places.length;
  }

  begin(place: number): void {
    this.places.push(place);
  }

  /** @param line undefined for what is left out */
  finish(place: number, line: object | undefined): void {
    this.finished.set(place, line);
  }

  /** The answers that nothing before them keeps back any more. */
  take(): (object | undefined)[] {
    const ready: (object | undefined)[] = [];
    while (this.places.length > 0 && this.finished.has(this.places[0])) {
      const place = this.places.shift()!;
      ready.push(this.finished.get(place));
      this.finished.delete(place);
    }
    return ready;
  }
}
