// Random passes of TreeAttention: trees, layouts and shapes. Included by one test program.
#ifndef FORETOKEN_ATTENTION_CASES_H
#define FORETOKEN_ATTENTION_CASES_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/attention_pass.h"
#include "../src/product.h"

static uint32_t state = 1;
static inline uint32_t any(void) {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}
static inline int64_t below(int64_t n) { return any() % n; }
static inline float number(void) { return ((float)any() / 2147483648.0f - 1) * 2; }
static inline void *room(int64_t bytes) { return malloc((size_t)(bytes ? bytes : 1)); }

static inline void fail(const char *what, const AttentionKernels *kernels, const Pass *pass) {
  fprintf(stderr, "%s: kernels %s, type %d, %lld heads, %lld key heads, %lld channels, %lld rows, pages of %lld slots\n",
          what, kernels->name, pass->type, (long long)pass->heads, (long long)pass->kv_heads, (long long)pass->dim,
          (long long)pass->row_count, (long long)pass->page_slots);
  exit(1);
}

static inline int run_in_order(void *context, void (*work)(void *, size_t), size_t total, void *data) {
  (void)context;
  for (size_t i = 0; i < total; i++) work(data, i);
  return 1;
}
static inline int run_reversed(void *context, void (*work)(void *, size_t), size_t total, void *data) {
  (void)context;
  for (size_t i = total; i-- > 0;) work(data, i);
  return 1;
}
static const ParallelFor in_order = {run_in_order, NULL}, reversed = {run_reversed, NULL};

enum { MOST_SEQUENCES = 3 };
// Small ones with few slots, longer ones, and a prompt of so many rows that its scores do not lie in memory all at
// once.
typedef enum { SMALL, LARGE, PROMPT } Size;

// A pass, and what it is made of: parents[r] is the row before r in the tree, or -1 after the committed tokens.
typedef struct {
  Pass pass;
  int64_t committed[MOST_SEQUENCES];
  float *past[MOST_SEQUENCES]; // [committed][2][kv_heads][dim]: keys, values
  int64_t *parents;
} Case;

static inline int64_t vector_bytes(const Pass *pass) {
  return vector_numbers(pass->type, pass->dim) * number_bytes(pass->type);
}
static inline int64_t pool_bytes(const Pass *pass) {
  return pass->pages * pass->kv_heads * pass->page_slots * vector_bytes(pass);
}
static inline int64_t row_size(const Pass *pass) { return (pass->heads + 2 * pass->kv_heads) * pass->dim; }
static inline int64_t y_size(const Pass *pass) { return pass->row_count * pass->heads * pass->dim; }

static inline char *vector_at(const Pass *pass, void *pool, int64_t sequence, int64_t slot, int64_t g) {
  const int64_t page = pass->tables[sequence * pass->sequence_pages + slot / pass->page_slots];
  const int64_t at = (page * pass->kv_heads + g) * pass->page_slots + slot % pass->page_slots;
  return (char *)pool + at * vector_bytes(pass);
}

// Stores a vector as the pass's type holds it.
static inline void hold(const Pass *pass, const float *x, char *to) {
  const NarrowType *narrow = plain_attention.narrow[pass->type];
  if (narrow) narrow->narrow(x, pass->dim, to);
  else memcpy(to, x, (size_t)vector_bytes(pass));
}

// Pages in random order, and garbage wherever nothing was stored: NaN in every type, which no row may see.
static inline void lay_out(Pass *pass) {
  const int64_t used = pass->sequences * pass->sequence_pages;
  pass->pages = used + below(3);
  int32_t *order = room(pass->pages * 4);
  for (int64_t i = 0; i < pass->pages; i++) {
    const int64_t j = below(i + 1);
    order[i] = order[j];
    order[j] = (int32_t)i;
  }
  pass->tables = order;
  pass->keys = memset(room(pool_bytes(pass)), 0xff, (size_t)pool_bytes(pass));
  pass->values = memset(room(pool_bytes(pass)), 0xff, (size_t)pool_bytes(pass));
}

static inline void store_past(const Pass *pass, int64_t sequence, const float *past, int64_t count) {
  const int64_t size = pass->kv_heads * pass->dim;
  for (int64_t i = 0; i < count; i++) {
    for (int64_t g = 0; g < pass->kv_heads; g++) {
      const float *key = past + i * 2 * size + g * pass->dim;
      hold(pass, key, vector_at(pass, pass->keys, sequence, i, g));
      hold(pass, key + size, vector_at(pass, pass->values, sequence, i, g));
    }
  }
}

static inline Case make_case(Size size_of_case) {
  Case made = {0};
  Pass *pass = &made.pass;
  const int large = size_of_case != SMALL, prompt = size_of_case == PROMPT;
  pass->type = (CacheType)below(CACHE_TYPES);
  pass->kv_heads = prompt ? 4 : 1 + below(4);
  pass->heads = pass->kv_heads * (prompt ? 10 : 1 + below(5));
  pass->dim = 8 * (prompt ? 1 : 1 + below(large ? 8 : below(8) ? 16 : 32));
  pass->page_slots = 1 + below(large ? 80 : 20);
  pass->sequences = prompt ? 1 : 1 + below(large ? 2 : MOST_SEQUENCES);
  const int64_t most_past = large ? 900 : 60, most_rows = prompt ? 300 : 1 + below(24);
  const int64_t most_slots = most_past + 3 * most_rows;
  pass->sequence_pages = (most_slots + pass->page_slots - 1) / pass->page_slots;
  pass->positions = most_slots;
  Row *rows = room(pass->sequences * most_rows * (int64_t)sizeof(Row));
  int32_t *ancestors = room(pass->sequences * most_rows * most_slots * 4);
  made.parents = room(pass->sequences * most_rows * 8);
  lay_out(pass);
  // Rows of all sequences in turns: so they do not lie together.
  int64_t used[MOST_SEQUENCES] = {0}, chain[MOST_SEQUENCES] = {0}, last[MOST_SEQUENCES], count = 0;
  uint8_t *taken = calloc((size_t)(pass->sequences * most_slots), 1);
  for (int64_t s = 0; s < pass->sequences; s++) {
    last[s] = -1;
    made.committed[s] = below(most_past + 1);
    const int64_t size = made.committed[s] * 2 * pass->kv_heads * pass->dim;
    made.past[s] = room(size * 4);
    for (int64_t i = 0; i < size; i++) made.past[s][i] = number();
    store_past(pass, s, made.past[s], made.committed[s]);
    // Some rows may first go on as a plain chain in the slots of their positions, as a prompt does.
    chain[s] = prompt ? most_rows - 20 : below(3) ? 0 : below(most_rows);
    used[s] = prompt ? most_rows : below(most_rows + 1);
  }
  for (int64_t turn = 0; turn < most_rows; turn++) {
    for (int64_t s = 0; s < pass->sequences; s++) {
      if (turn >= used[s]) continue;
      const int64_t r = count++, committed = made.committed[s];
      int64_t parent = -1, longest = committed;
      if (turn < chain[s]) {
        parent = last[s];
        longest += turn;
      } else {
        // Any row before of the same sequence, or none; never one that would leave the chain's slots as prefix.
        for (int64_t i = 0; i < r; i++)
          if (rows[i].sequence == s && below(2)) parent = i;
      }
      Row *row = &rows[r];
      made.parents[r] = parent;
      row->sequence = (int32_t)s;
      row->position = (int32_t)(parent < 0 ? committed : rows[parent].position + 1);
      row->slot = (int32_t)(committed + turn);
      if (turn >= chain[s])
        do row->slot = (int32_t)(committed + chain[s] + below(most_slots - committed - chain[s]));
        while (taken[s * most_slots + row->slot]);
      taken[s * most_slots + row->slot] = 1;
      last[s] = r;
      // Mostly the whole of the prefix; otherwise any part, and the rest by name.
      row->prefix = (int32_t)(below(3) ? longest : below(longest + 1));
      row->first = (int32_t)pass->ancestor_count;
      pass->ancestor_count += row->position - row->prefix;
      int64_t at = parent;
      for (int64_t i = row->position - 1; i >= row->prefix; i--) {
        ancestors[row->first + i - row->prefix] = i < committed ? (int32_t)i : rows[at].slot;
        if (i >= committed) at = made.parents[at];
      }
    }
  }
  free(taken);
  pass->row_count = count;
  pass->rows = rows;
  pass->ancestors = ancestors;
  float *cos_table = room(pass->positions * pass->dim / 2 * 4), *sin_table = room(pass->positions * pass->dim / 2 * 4);
  for (int64_t p = 0; p < pass->positions; p++) {
    for (int64_t d = 0; d < pass->dim / 2; d++) {
      const double angle = (double)p * pow(10000, -2.0 * (double)d / (double)pass->dim);
      cos_table[p * pass->dim / 2 + d] = (float)cos(angle);
      sin_table[p * pass->dim / 2 + d] = (float)sin(angle);
    }
  }
  pass->cos = cos_table;
  pass->sin = sin_table;
  float *qkv = room(count * row_size(pass) * 4);
  for (int64_t i = 0; i < count * row_size(pass); i++) qkv[i] = number();
  pass->qkv = qkv;
  pass->y = room(y_size(pass) * 4);
  return made;
}

static inline void release(Case *made) {
  const void *all[] = {made->pass.rows, made->pass.ancestors, made->pass.tables, made->pass.cos, made->pass.sin,
                       made->pass.qkv, made->pass.keys, made->pass.values, made->pass.y, made->parents};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free((void *)all[i]);
  for (int64_t s = 0; s < made->pass.sequences; s++) free(made->past[s]);
}

static inline void run(Pass *pass, const AttentionKernels *kernels, ParallelFor parallel) {
  const char *wrong = check_pass(pass);
  if (!wrong) wrong = run_pass(pass, kernels, parallel);
  if (wrong) fail(wrong, kernels, pass);
}

// The same pass with memory of its own to write into.
static inline Pass copy_of(const Pass *pass) {
  Pass copy = *pass;
  copy.keys = memcpy(room(pool_bytes(pass)), pass->keys, (size_t)pool_bytes(pass));
  copy.values = memcpy(room(pool_bytes(pass)), pass->values, (size_t)pool_bytes(pass));
  copy.y = room(y_size(pass) * 4);
  for (int64_t i = 0; i < y_size(pass); i++) copy.y[i] = 1e30f;
  return copy;
}

static inline void release_copy(Pass *copy) {
  free(copy->keys);
  free(copy->values);
  free(copy->y);
}

static inline int same_pools(const Pass *a, const Pass *b) {
  const size_t size = (size_t)pool_bytes(a);
  return !memcmp(a->keys, b->keys, size) && !memcmp(a->values, b->values, size);
}

static inline int same(const float *a, const float *b, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (memcmp(a + i, b + i, 4) && !(isnan(a[i]) && isnan(b[i]))) return 0;
  return 1;
}

#endif
