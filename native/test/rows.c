// What is done to rows beside the product, against double precision: e^x, the residual update and the norm, the k largest and
// the sum of exponentials; and that neither the number of rows nor the cut into pieces changes a bit.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/exponential.h"
#include "../src/rows.h"
#include "../src/vocab_row.h"
#include "random.h"

static void require(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static int near(double got, double want, double share) { return fabs(got - want) <= share * fabs(want); }

static void check_exponential(void) {
  for (int i = 0; i < 200000; i++) {
    const float x = (float)(-87 + 175.0 * i / 200000);
    require(near(exponential(x), exp(x), 2e-7), "e^x is further than 2e-7 from the true value");
  }
  require(isnan(exponential(NAN)), "e^NaN is not NaN");
  require(exponential(0) == 1, "e^0 is not 1");
  require(exponential(INFINITY) == exponential(88) && exponential(-INFINITY) == exponential(-87), "e^x has other bounds");
}

static void check_rows(const Kernels *kernels, int64_t count, int64_t width, int updates, int norms) {
  const size_t numbers = (size_t)(count * width);
  float *x = malloc(numbers * 4), *update = malloc(numbers * 4), *sum = malloc(numbers * 4), *gain = malloc((size_t)width * 4);
  for (size_t i = 0; i < numbers; i++) x[i] = number(), update[i] = number();
  for (int64_t i = 0; i < width; i++) gain[i] = number();
  const Rows rows = {x, updates ? update : NULL, norms ? gain : NULL, sum, 1e-5f, count, width};
  Rounded all, lone;
  require(round_rows(kernels, &rows, &all), "no memory");
  for (int64_t row = 0; row < count; row++) {
    const size_t at = (size_t)(row * width);
    float alone[4096];
    Rows one = rows;
    one.x += at, one.update = updates ? update + at : NULL, one.sum = alone, one.count = 1;
    require(round_rows(kernels, &one, &lone), "no memory");
    for (int64_t b = 0; b < all.blocks; b++) {
      const int64_t at = block_at(&all, row, b);
      require(memcmp(all.q + at * BLOCK, lone.q + b * BLOCK, BLOCK) == 0 && all.scale[at] == lone.scale[b],
              "a row is rounded differently in company");
    }
    free(lone.scale);
    double squares = 0;
    for (int64_t i = 0; i < width; i++) {
      const float value = updates ? x[at + (size_t)i] + update[at + (size_t)i] : x[at + (size_t)i];
      if (updates) require(sum[at + (size_t)i] == value, "the sum is not x with its update");
      squares += (double)value * value;
    }
    const double scale = norms ? 1 / sqrt(squares / (double)width + 1e-5) : 1;
    for (int64_t i = 0; i < width; i++) {
      const float value = updates ? sum[at + (size_t)i] : x[at + (size_t)i];
      const double want = value * scale * (norms ? gain[i] : 1);
      const int64_t block = block_at(&all, row, i / BLOCK);
      const float step = all.scale[block];
      const double got = (double)step * all.q[block * BLOCK + i % BLOCK];
      require(fabs(got - want) <= 0.501 * step + 1e-6 * fabs(want), "a row is not normed as it should be");
    }
  }
  free(all.scale);
  free(x), free(update), free(sum), free(gain);
}

// `logits` in pieces of so many, joined.
static void in_pieces(const float *logits, int64_t count, int64_t piece, int64_t k, VocabRow *all, float *values, int64_t *ids) {
  vocab_row_start(all, k, values, ids);
  float more[64];
  int64_t more_ids[64];
  for (int64_t first = 0; first < count; first += piece) {
    VocabRow next;
    vocab_row_start(&next, k, more, more_ids);
    for (int64_t at = first; at < first + piece && at < count; at += TILE)
      vocab_row_take(&next, logits + at, at, count - at < TILE ? count - at : TILE, 1);
    if (first == 0) {
      *all = next;
      memcpy(values, more, sizeof more);
      memcpy(ids, more_ids, sizeof more_ids);
      all->values = values, all->ids = ids;
    } else {
      vocab_row_join(all, &next);
    }
  }
}

static void check_vocab_row(int64_t count, int64_t k, int ties) {
  float *logits = malloc((size_t)count * 4), values[64], spread = any() % 3 ? 10 : 200;
  int64_t ids[64];
  for (int64_t i = 0; i < count; i++) logits[i] = ties ? (float)(any() % 5) - 2 : number() * spread;
  double largest = -INFINITY, sum = 0;
  for (int64_t i = 0; i < count; i++) largest = logits[i] > largest ? logits[i] : largest;
  for (int64_t i = 0; i < count; i++) sum += exp(logits[i] - largest);
  VocabRow row;
  in_pieces(logits, count, TILE * (1 + any() % 9), k, &row, values, ids);
  require(vocab_row_sound(&row), "a sound row is not");
  require(fabs(vocab_row_log_sum(&row) - (largest + log(sum))) <= 2e-6 * (1 + fabs(largest)), "the log-sum-exp is wrong");
  char *taken = calloc((size_t)count, 1);
  for (int64_t i = 0; i < k; i++) {
    int64_t best = -1;
    for (int64_t j = 0; j < count; j++)
      if (!taken[j] && (best < 0 || logits[j] > logits[best])) best = j;
    taken[best] = 1;
    require(ids[i] == best && values[i] == logits[best], "the largest are wrong, or in another order");
  }
  const float bad[] = {NAN, INFINITY};
  logits[any() % count] = bad[any() % 2];
  in_pieces(logits, count, TILE * 2, k, &row, values, ids);
  require(!vocab_row_sound(&row), "NaN or infinity is not noticed");
  memset(logits, 0, (size_t)count * 4);
  in_pieces(logits, count, TILE * 2, k, &row, values, ids);
  require(!vocab_row_sound(&row), "zeros throughout are not noticed");
  free(taken);
  free(logits);
}

int main(int count, char **words) {
  const Kernels *kernels = choose_kernels();
  if (!kernels) return 2;
  const int rounds = count > 1 ? atoi(words[1]) : 300;
  check_exponential();
  for (int i = 0; i < rounds; i++) {
    check_rows(kernels, 1 + any() % 9, 1 + any() % 700, i & 1, i >> 1 & 1);
    const int64_t ids = 1 + any() % 900;
    check_vocab_row(ids, 1 + any() % (ids < 60 ? ids : 60), i % 4 == 0);
  }
  printf("rows, kernels %s: %d shapes\n", kernels->name, rounds);
  return 0;
}
