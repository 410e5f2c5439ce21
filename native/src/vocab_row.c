#include "vocab_row.h"

#include <math.h>

#include "exponential.h"

void vocab_row_start(VocabRow *row, int64_t k, float *values, int64_t *ids) {
  *row = (VocabRow){.k = k, .values = values, .ids = ids, .largest = -INFINITY};
}

static void insert(VocabRow *row, float value, int64_t id) {
  int64_t place = row->known < row->k ? row->known++ : row->k - 1;
  for (; place > 0 && row->values[place - 1] < value; place--) {
    row->values[place] = row->values[place - 1];
    row->ids[place] = row->ids[place - 1];
  }
  row->values[place] = value;
  row->ids[place] = id;
}

static int is_among(const VocabRow *row, float value) {
  return row->k > 0 && (row->known < row->k || value > row->values[row->k - 1]);
}

// Makes the sums refer to a new largest logit.
static void raise(VocabRow *row, float largest) {
  const float share = row->largest == largest ? 1 : exponential(row->largest - largest);
  for (int j = 0; j < TILE; j++) row->sums[j] *= share;
  row->largest = largest;
}

// The largest of a tile's logits, by halves: so that compilers take several at a time.
static float look_at(VocabRow *row, const float logits[TILE]) {
  float largest[TILE];
  uint32_t nonzero = 0, broken = 0;
  for (int j = 0; j < TILE; j++) {
    nonzero |= logits[j] != 0;
    broken |= !(logits[j] < INFINITY);
    largest[j] = logits[j];
  }
  for (int half = TILE / 2; half > 0; half /= 2)
    for (int j = 0; j < half; j++) largest[j] = largest[j] > largest[j + half] ? largest[j] : largest[j + half];
  row->nonzero |= nonzero;
  row->broken |= broken;
  return largest[0];
}

// Looks at fewer than a tile's.
static float look_at_some(VocabRow *row, const float *logits, int64_t count) {
  float padded[TILE];
  for (int64_t j = 0; j < TILE; j++) padded[j] = logits[j < count ? j : 0];
  return look_at(row, padded);
}

void vocab_row_take(VocabRow *row, const float *logits, int64_t first, int64_t count, int sum) {
  const float largest = count == TILE ? look_at(row, logits) : look_at_some(row, logits, count);
  if (is_among(row, largest))
    for (int64_t j = 0; j < count; j++)
      if (is_among(row, logits[j])) insert(row, logits[j], first + j);
  // Minus infinity throughout adds nothing.
  if (!sum || !(largest > -INFINITY)) return;
  if (largest > row->largest) raise(row, largest);
  for (int64_t j = 0; j < count; j++) row->sums[j] += exponential(logits[j] - row->largest);
}

void vocab_row_join(VocabRow *row, const VocabRow *next) {
  for (int64_t i = 0; i < next->known && is_among(row, next->values[i]); i++) insert(row, next->values[i], next->ids[i]);
  row->nonzero |= next->nonzero;
  row->broken |= next->broken;
  if (!(next->largest > -INFINITY)) return;
  if (next->largest > row->largest) raise(row, next->largest);
  const float share = exponential(next->largest - row->largest);
  for (int j = 0; j < TILE; j++) row->sums[j] += next->sums[j] * share;
}

int vocab_row_sound(const VocabRow *row) { return row->nonzero && !row->broken; }

float vocab_row_log_sum(const VocabRow *row) {
  float sums[TILE];
  for (int j = 0; j < TILE; j++) sums[j] = row->sums[j];
  for (int half = TILE / 2; half > 0; half /= 2)
    for (int j = 0; j < half; j++) sums[j] += sums[j + half];
  return row->largest + logf(sums[0]);
}
