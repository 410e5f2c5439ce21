/** Weight of a new loss in the running mean: about 20 steps count. */
const NEW = 0.05;
/** A mean so much over the lowest one, and over by so many nats, is no noise. */
const FACTOR = 1.5;
const NATS = 1;

/** Watches the loss over steps: a training whose loss keeps rising far over its lowest mean has failed. */
export class Divergence {
  /** [running mean, its lowest value]: what a checkpoint keeps. */
  readonly state = new Float32Array([Number.NaN, Number.POSITIVE_INFINITY]);

  /** Notes a step's loss and says whether the training has diverged. */
  note(loss: number): boolean {
    const [mean, lowest] = this.state;
    const next = Number.isNaN(mean) ? loss : mean + NEW * (loss - mean);
    this.state[0] = next;
    this.state[1] = Math.min(lowest, next);
    return next > FACTOR * this.state[1] && next > this.state[1] + NATS;
  }
}
