// Numbers that look random and are the same in every run.
#ifndef FORETOKEN_TEST_RANDOM_H
#define FORETOKEN_TEST_RANDOM_H

#include <stdint.h>

static uint32_t state = 1;
static uint32_t any(void) {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}
// Mostly between -1 and 1, some of them larger.
static float number(void) { return ((float)any() / 2147483648.0f - 1) * (any() % 31 == 0 ? 20.0f : 1.0f); }

#endif
