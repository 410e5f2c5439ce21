// What VocabHead keeps of a row of logits while they pass by: the k largest and the sum of exponentials. Every piece of the
// vocabulary has one of its own; they are joined in order, so the bits depend on the row alone.
#ifndef FORETOKEN_VOCAB_ROW_H
#define FORETOKEN_VOCAB_ROW_H

#include <stdint.h>

#include "product.h"

typedef struct {
  int64_t k, known;  // as many of the largest as wanted, and found
  float *values;     // [k], largest first; of equal ones the lower id first
  int64_t *ids;      // [k]
  float largest;     // of all so far, to which `sums` refers
  float sums[TILE];  // of exp(logit - largest), by place in a tile
  uint32_t nonzero;  // whether there was a logit that is not zero
  uint32_t broken;   // whether there was NaN or infinity above
} VocabRow;

void vocab_row_start(VocabRow *row, int64_t k, float *values, int64_t *ids);
// The next `count` logits, at most 16, whose first has the id `first`. `sum`: whether exponentials are wanted.
void vocab_row_take(VocabRow *row, const float *logits, int64_t first, int64_t count, int sum);
// Adds what another row found in the ids that follow.
void vocab_row_join(VocabRow *row, const VocabRow *next);
// Whether the logits can be chosen by: no NaN, no infinity above, not all zero.
int vocab_row_sound(const VocabRow *row);
float vocab_row_log_sum(const VocabRow *row);

#endif
