/**
 * An orthogonal matrix of any order n = p·m (p the largest power of two in n): a Hadamard matrix of order p, Kronecker a
 * cosine transform of order m. It spreads one large channel over all of them, which is what rounding to a common scale
 * wants (Ashkboos et al. 2024, QuaRot). Applied in O(n (m + log p)).
 */
export class Rotation {
  private readonly powerOfTwo: number;
  /** Row-major orthonormal DCT-II of order m. */
  private readonly cosines: Float64Array;
  private readonly scratch: Float64Array;
  private readonly odd: number;

  constructor(readonly order: number) {
    this.powerOfTwo = order & -order;
    this.odd = order / this.powerOfTwo;
    this.cosines = cosineTransform(this.odd);
    this.scratch = new Float64Array(order);
  }

  /** Each of `count` rows x becomes x R, in place. */
  rows(data: Float32Array, count: number): void {
    for (let r = 0; r < count; r++) this.vector(data, r * this.order, 1);
  }

  /** Each of the `width` columns y of an [order, width] matrix becomes R^T y, in place. */
  columns(data: Float32Array, width: number): void {
    for (let c = 0; c < width; c++) this.vector(data, c, width);
  }

  /** The row x at `start` becomes x R^T: `rows` undone. */
  undo(data: Float32Array, start = 0): void {
    const { order, odd, cosines, scratch } = this;
    for (let i = 0; i < order; i++) scratch[i] = data[start + i];
    this.hadamard();
    for (let i = 0; i < order; i += odd) {
      for (let k = 0; k < odd; k++) {
        let sum = 0;
        for (let j = 0; j < odd; j++) sum += scratch[i + j] * cosines[k * odd + j];
        data[start + i + k] = sum / Math.sqrt(this.powerOfTwo);
      }
    }
  }

  /** R^T as a row-major matrix. */
  transposed(): Float32Array {
    const { order } = this;
    const matrix = new Float32Array(order * order);
    for (let i = 0; i < order; i++) matrix[i * order + i] = 1;
    // R^T times the identity.
    this.columns(matrix, order);
    return matrix;
  }

  private vector(data: Float32Array, start: number, stride: number): void {
    const { order, odd, powerOfTwo, cosines, scratch } = this;
    for (let i = 0; i < order; i += odd) {
      for (let j = 0; j < odd; j++) {
        let sum = 0;
        for (let k = 0; k < odd; k++) sum += data[start + (i + k) * stride] * cosines[k * odd + j];
        scratch[i + j] = sum;
      }
    }
    this.hadamard();
    const norm = 1 / Math.sqrt(powerOfTwo);
    for (let i = 0; i < order; i++) data[start + i * stride] = scratch[i] * norm;
  }

  /** The scratch row through the Hadamard part, without its scale: symmetric, so its own inverse up to that. */
  private hadamard(): void {
    const { order, odd, scratch } = this;
    for (let half = odd; half < order; half *= 2) {
      for (let block = 0; block < order; block += 2 * half) {
        for (let i = block; i < block + half; i++) {
          const [a, b] = [scratch[i], scratch[i + half]];
          scratch[i] = a + b;
          scratch[i + half] = a - b;
        }
      }
    }
  }
}

function cosineTransform(order: number): Float64Array {
  const matrix = new Float64Array(order * order);
  for (let k = 0; k < order; k++) {
    const norm = Math.sqrt((k === 0 ? 1 : 2) / order);
    for (let n = 0; n < order; n++) matrix[k * order + n] = norm * Math.cos((Math.PI * (n + 0.5) * k) / order);
  }
  return matrix;
}
