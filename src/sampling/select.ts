/** The k-th largest of values[0, length): quickselect over a scratch copy, in expected linear time. */
export function kthLargest(values: Float32Array, length: number, k: number, scratch: Float32Array): number {
  scratch.set(values.subarray(0, length));
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const pivot = medianOfThree(scratch[low], scratch[(low + high) >> 1], scratch[high]);
    let i = low;
    let j = high;
    while (i <= j) {
      while (scratch[i] > pivot) i++;
      while (scratch[j] < pivot) j--;
      if (i <= j) {
        const value = scratch[i];
        scratch[i++] = scratch[j];
        scratch[j--] = value;
      }
    }
    if (k - 1 <= j) high = j;
    else if (k - 1 >= i) low = i;
    else break;
  }
  return scratch[k - 1];
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
