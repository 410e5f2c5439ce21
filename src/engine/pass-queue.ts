/** Runs passes one after the other, in the order in which they were asked for. */
export class PassQueue {
  private last: Promise<unknown> = Promise.resolve();

  /** What `pass` returns, after all passes asked for before have settled. */
  async run<T>(pass: () => Promise<T>): Promise<T> {
    const ready = this.last;
    let release = () => {};
    this.last = new Promise<void>((resolve) => {
      release = resolve;
    });
    try {
      await ready;
      return await pass();
    } finally {
      release();
    }
  }

  /** Settles when nothing runs or waits any more that was asked for before this call. */
  idle(): Promise<unknown> {
    return this.last;
  }
}
