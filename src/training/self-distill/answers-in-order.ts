/** Answers that are finished in any order and taken in that of their prompts. */
export class AnswersInOrder<Answer> {
  private readonly places: number[] = [];
  private readonly finished = new Map<number, Answer>();

  /** Answers that were begun and not taken. */
  get open(): number {
    return this.places.length;
  }

  begin(place: number): void {
    this.places.push(place);
  }

  finish(place: number, answer: Answer): void {
    this.finished.set(place, answer);
  }

  /** The answers that nothing before them keeps back any more. */
  take(): Answer[] {
    const ready: Answer[] = [];
    while (this.places.length > 0 && this.finished.has(this.places[0])) {
      const place = this.places.shift()!;
      ready.push(this.finished.get(place) as Answer);
      this.finished.delete(place);
    }
    return ready;
  }
}
