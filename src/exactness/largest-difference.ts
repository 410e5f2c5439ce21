/** The largest difference between numbers at the same place; 0 for the same bits, NaN included. Always finite. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (Buffer.compare(bytes(a), bytes(b)) === 0) return 0;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    if (Object.is(a[i], b[i])) continue;
    const difference = Math.abs(a[i] - b[i]);
    largest = Math.max(largest, Number.isFinite(difference) ? difference : Number.MAX_VALUE);
  }
  return largest;
}

function bytes(array: Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
