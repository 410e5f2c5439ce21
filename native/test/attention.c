// Passes of TreeAttention over random trees, layouts and shapes: against a reference in double precision; the kernels
// of this CPU against the plain ones, bit for bit; and every row, bit for bit, against the same row decoded as a chain,
// token by token, in another layout. Built with AddressSanitizer and UBSan by `npm run test:native`.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/attention_pass.h"
#include "../src/product.h"

static uint32_t state = 1;
static uint32_t any(void) {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}
static int64_t below(int64_t n) { return any() % n; }
static float number(void) { return ((float)any() / 2147483648.0f - 1) * 2; }
static void *room(int64_t bytes) { return malloc((size_t)(bytes ? bytes : 1)); }

static void fail(const char *what, const AttentionKernels *kernels, const Pass *pass) {
  fprintf(stderr, "%s: kernels %s, %lld heads, %lld key heads, %lld channels, %lld rows, pages of %lld slots\n", what,
          kernels->name, (long long)pass->heads, (long long)pass->kv_heads, (long long)pass->dim,
          (long long)pass->row_count, (long long)pass->page_slots);
  exit(1);
}

static int run_in_order(void *context, void (*work)(void *, size_t), size_t total, void *data) {
  (void)context;
  for (size_t i = 0; i < total; i++) work(data, i);
  return 1;
}
static int run_reversed(void *context, void (*work)(void *, size_t), size_t total, void *data) {
  (void)context;
  for (size_t i = total; i-- > 0;) work(data, i);
  return 1;
}
static const ParallelFor in_order = {run_in_order, NULL}, reversed = {run_reversed, NULL};

// ---- Random passes.

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

static int64_t pool_size(const Pass *pass) { return pass->pages * pass->kv_heads * pass->page_slots * pass->dim; }
static int64_t row_size(const Pass *pass) { return (pass->heads + 2 * pass->kv_heads) * pass->dim; }
static int64_t y_size(const Pass *pass) { return pass->row_count * pass->heads * pass->dim; }

static float *vector_at(const Pass *pass, float *pool, int64_t sequence, int64_t slot, int64_t g) {
  const int64_t page = pass->tables[sequence * pass->sequence_pages + slot / pass->page_slots];
  return pool + ((page * pass->kv_heads + g) * pass->page_slots + slot % pass->page_slots) * pass->dim;
}

// Pages in random order, and garbage wherever nothing was stored: NaN, which no row may see.
static void lay_out(Pass *pass) {
  const int64_t used = pass->sequences * pass->sequence_pages;
  pass->pages = used + below(3);
  int32_t *order = room(pass->pages * 4);
  for (int64_t i = 0; i < pass->pages; i++) {
    const int64_t j = below(i + 1);
    order[i] = order[j];
    order[j] = (int32_t)i;
  }
  pass->tables = order;
  pass->keys = room(pool_size(pass) * 4);
  pass->values = room(pool_size(pass) * 4);
  for (int64_t i = 0; i < pool_size(pass); i++) pass->keys[i] = pass->values[i] = NAN;
}

static void store_past(const Pass *pass, int64_t sequence, const float *past, int64_t count) {
  const int64_t size = pass->kv_heads * pass->dim;
  for (int64_t i = 0; i < count; i++) {
    for (int64_t g = 0; g < pass->kv_heads; g++) {
      const float *key = past + i * 2 * size + g * pass->dim;
      memcpy(vector_at(pass, pass->keys, sequence, i, g), key, (size_t)pass->dim * 4);
      memcpy(vector_at(pass, pass->values, sequence, i, g), key + size, (size_t)pass->dim * 4);
    }
  }
}

static Case make_case(Size size_of_case) {
  Case made = {0};
  Pass *pass = &made.pass;
  const int large = size_of_case != SMALL, prompt = size_of_case == PROMPT;
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

static void release(Case *made) {
  const void *all[] = {made->pass.rows, made->pass.ancestors, made->pass.tables, made->pass.cos, made->pass.sin,
                       made->pass.qkv, made->pass.keys, made->pass.values, made->pass.y, made->parents};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free((void *)all[i]);
  for (int64_t s = 0; s < made->pass.sequences; s++) free(made->past[s]);
}

static void run(Pass *pass, const AttentionKernels *kernels, ParallelFor parallel) {
  const char *wrong = check_pass(pass);
  if (!wrong) wrong = run_pass(pass, kernels, parallel);
  if (wrong) fail(wrong, kernels, pass);
}

// The same pass with memory of its own to write into.
static Pass copy_of(const Pass *pass) {
  Pass copy = *pass;
  copy.keys = memcpy(room(pool_size(pass) * 4), pass->keys, (size_t)pool_size(pass) * 4);
  copy.values = memcpy(room(pool_size(pass) * 4), pass->values, (size_t)pool_size(pass) * 4);
  copy.y = room(y_size(pass) * 4);
  for (int64_t i = 0; i < y_size(pass); i++) copy.y[i] = 1e30f;
  return copy;
}

static void release_copy(Pass *copy) {
  free(copy->keys);
  free(copy->values);
  free(copy->y);
}

static int same(const float *a, const float *b, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (memcmp(a + i, b + i, 4) && !(isnan(a[i]) && isnan(b[i]))) return 0;
  return 1;
}

// ---- What a pass should come to.

static void rotated(const Pass *pass, const float *x, int64_t position, double *to) {
  const int64_t half = pass->dim / 2;
  for (int64_t d = 0; d < half; d++) {
    const double c = pass->cos[position * half + d], s = pass->sin[position * half + d];
    to[d] = x[d] * c - x[d + half] * s;
    to[d + half] = x[d + half] * c + x[d] * s;
  }
}

// Key and value of the path's index i of row r.
static void path_vectors(const Case *made, int64_t r, int64_t i, int64_t g, double *key, const float **value) {
  const Pass *pass = &made->pass;
  const int64_t s = pass->rows[r].sequence, size = pass->kv_heads * pass->dim;
  if (i < made->committed[s]) {
    const float *from = made->past[s] + i * 2 * size + g * pass->dim;
    for (int64_t d = 0; d < pass->dim; d++) key[d] = from[d];
    *value = from + size;
    return;
  }
  while (pass->rows[r].position > i) r = made->parents[r];
  const float *from = pass->qkv + r * row_size(pass) + (pass->heads + g) * pass->dim;
  rotated(pass, from, i, key);
  *value = from + size;
}

static void check_reference(const Case *made, const Pass *done, const AttentionKernels *kernels) {
  const Pass *pass = &made->pass;
  const int64_t dim = pass->dim;
  double *query = room(dim * 8), *key = room(dim * 8), *sums = room(dim * 8), *scores = room(pass->positions * 8);
  for (int64_t r = 0; r < pass->row_count; r++) {
    for (int64_t h = 0; h < pass->heads; h++) {
      const int64_t g = h / (pass->heads / pass->kv_heads), length = pass->rows[r].position + 1;
      const float *value;
      double max = -INFINITY, sum = 0;
      rotated(pass, pass->qkv + r * row_size(pass) + h * dim, length - 1, query);
      for (int64_t i = 0; i < length; i++) {
        path_vectors(made, r, i, g, key, &value);
        scores[i] = 0;
        for (int64_t d = 0; d < dim; d++) scores[i] += query[d] * key[d] / sqrt((double)dim);
        max = fmax(max, scores[i]);
      }
      memset(sums, 0, (size_t)dim * 8);
      for (int64_t i = 0; i < length; i++) {
        path_vectors(made, r, i, g, key, &value);
        const double weight = exp(scores[i] - max);
        sum += weight;
        for (int64_t d = 0; d < dim; d++) sums[d] += weight * value[d];
      }
      for (int64_t d = 0; d < dim; d++)
        if (!(fabs(done->y[(r * pass->heads + h) * dim + d] - sums[d] / sum) <= 1e-5)) fail("reference", kernels, pass);
    }
  }
  free(query);
  free(key);
  free(sums);
  free(scores);
}

// The rows' keys and values are in their slots, and nothing else has changed.
static void check_stored(const Case *made, const Pass *done, const AttentionKernels *kernels) {
  const Pass *pass = &made->pass;
  Pass copy = copy_of(done);
  double *key = room(pass->dim * 8);
  for (int64_t r = 0; r < pass->row_count; r++) {
    for (int64_t g = 0; g < pass->kv_heads; g++) {
      const Row *row = pass->rows + r;
      const float *value;
      path_vectors(made, r, row->position, g, key, &value);
      float *stored_key = vector_at(&copy, copy.keys, row->sequence, row->slot, g);
      float *stored_value = vector_at(&copy, copy.values, row->sequence, row->slot, g);
      for (int64_t d = 0; d < pass->dim; d++) {
        if (!(fabs(stored_key[d] - key[d]) <= 1e-6) || stored_value[d] != value[d]) fail("stored", kernels, pass);
        stored_key[d] = stored_value[d] = NAN;
      }
    }
  }
  if (!same(copy.keys, pass->keys, pool_size(pass)) || !same(copy.values, pass->values, pool_size(pass)))
    fail("other slots", kernels, pass);
  free(key);
  release_copy(&copy);
}

// Row r as a chain, in a layout of its own: committed tokens, then its ancestors and itself, one pass each.
static void check_chain(const Case *made, const Pass *done, int64_t r, const AttentionKernels *kernels) {
  const Pass *pass = &made->pass;
  const int64_t s = pass->rows[r].sequence, committed = made->committed[s], length = pass->rows[r].position + 1;
  Pass chain = *pass;
  chain.sequences = 1;
  chain.page_slots = 1 + below(100);
  chain.sequence_pages = (length + chain.page_slots - 1) / chain.page_slots;
  chain.row_count = 1;
  chain.ancestor_count = 0;
  lay_out(&chain);
  store_past(&chain, 0, made->past[s], committed);
  chain.y = room(y_size(&chain) * 4);
  for (int64_t position = committed; position < length; position++) {
    int64_t at = r;
    while (pass->rows[at].position > position) at = made->parents[at];
    const Row row = {0, (int32_t)position, (int32_t)position, (int32_t)position, 0};
    chain.rows = &row;
    chain.qkv = pass->qkv + at * row_size(pass);
    run(&chain, kernels, in_order);
  }
  const int64_t size = pass->heads * pass->dim;
  if (!same(chain.y, done->y + r * size, size)) fail("chain", kernels, pass);
  free((void *)chain.tables);
  release_copy(&chain);
}

static int on_path(const Case *made, int64_t r, int64_t ancestor) {
  while (r >= 0 && r != ancestor) r = made->parents[r];
  return r == ancestor;
}

// NaN or infinity in one number of one row: only the rows and heads that see it change.
static void check_special(const Case *made, const Pass *clean, const AttentionKernels *kernels) {
  const Pass *pass = &made->pass;
  const float special = (const float[]){NAN, INFINITY, -INFINITY}[below(3)];
  const int64_t touched = below(pass->row_count), channel = below(row_size(pass));
  const int64_t group = pass->heads / pass->kv_heads, head = channel / pass->dim, dim = pass->dim;
  const int is_query = head < pass->heads, is_key = !is_query && head < pass->heads + pass->kv_heads;
  const int64_t size = pass->row_count * row_size(pass);
  float *qkv = memcpy(room(size * 4), pass->qkv, (size_t)size * 4);
  qkv[touched * row_size(pass) + channel] = special;
  Pass one = copy_of(pass), other = copy_of(pass);
  one.qkv = other.qkv = qkv;
  run(&one, kernels, in_order);
  run(&other, &plain_attention, in_order);
  if (!same(one.y, other.y, y_size(pass))) fail("special bits", kernels, pass);
  for (int64_t r = 0; r < pass->row_count; r++) {
    for (int64_t h = 0; h < pass->heads; h++) {
      const int64_t g = h / group;
      const int sees = is_query ? r == touched && h == head
                                : on_path(made, r, touched) && g == (head - pass->heads) % pass->kv_heads;
      for (int64_t d = 0; d < dim; d++) {
        const int64_t at = (r * pass->heads + h) * dim + d;
        const float *now = one.y + at, *before = clean->y + at;
        const int touches = sees && (is_query || is_key || d == channel % dim);
        if (!touches && memcmp(now, before, 4)) fail("a row that does not see it", kernels, pass);
        if (touches && isnan(special) && !isnan(*now)) fail("a row that sees NaN", kernels, pass);
        if (touches && !is_query && !is_key && isfinite(*now)) fail("a row that sees infinity", kernels, pass);
      }
    }
  }
  free(qkv);
  release_copy(&one);
  release_copy(&other);
}

static void check(const AttentionKernels *kernels, Size size) {
  Case made = make_case(size);
  Pass one = copy_of(&made.pass), other = copy_of(&made.pass), backwards = copy_of(&made.pass);
  run(&one, kernels, in_order);
  run(&other, &plain_attention, in_order);
  run(&backwards, kernels, reversed);
  const int64_t y = y_size(&one), pool = pool_size(&one);
  if (!same(one.y, other.y, y) || !same(one.keys, other.keys, pool) || !same(one.values, other.values, pool))
    fail("plain bits", kernels, &one);
  if (!same(one.y, backwards.y, y)) fail("order of pieces", kernels, &one);
  check_reference(&made, &one, kernels);
  check_stored(&made, &one, kernels);
  for (int64_t r = 0; r < one.row_count; r++)
    if (below((int64_t[]){1, 4, 40}[size]) == 0) check_chain(&made, &one, r, kernels);
  if (one.row_count > 0) check_special(&made, &one, kernels);
  release_copy(&one);
  release_copy(&other);
  release_copy(&backwards);
  release(&made);
}

// ---- Single parts.

// exp over its range, as weights of pairs of scores.
static void check_exp(const AttentionKernels *kernels) {
  const Pass none = {0};
  double worst = 0;
  for (int64_t i = 0; i < 300000; i++) {
    const float x = -90 * (float)i / 300000;
    float scores[2] = {0, x}, plain[2] = {0, x};
    const float sum = kernels->weigh(scores, 2, scores);
    if (plain_attention.weigh(plain, 2, plain) != sum || memcmp(scores, plain, sizeof scores))
      fail("exp", kernels, &none);
    if (x < -87 && scores[1] != 0) fail("exp of little", kernels, &none);
    if (x >= -87) worst = fmax(worst, fabs(scores[1] / exp(x) - 1));
  }
  if (!(worst <= 3e-7)) fail("exp's error", kernels, &none);
  printf("exp: relative error %.2g\n", worst);
}

// Scores of nothing but infinities and NaN.
static void check_weights(const AttentionKernels *kernels) {
  const Pass none = {0};
  for (int i = 0; i < 10000; i++) {
    float scores[40], plain[40];
    const int64_t count = 1 + below(40);
    const float choices[] = {NAN, INFINITY, -INFINITY, number(), 3e38f, -3e38f};
    const int64_t kinds = 1 + below(6), first = below(6);
    for (int64_t j = 0; j < count; j++) scores[j] = plain[j] = choices[(first + below(kinds)) % 6];
    int expect_nan = 0, finite = 0;
    for (int64_t j = 0; j < count; j++) {
      expect_nan |= isnan(scores[j]) || scores[j] == INFINITY;
      finite |= isfinite(scores[j]);
    }
    const float sum = kernels->weigh(scores, count, scores), other = plain_attention.weigh(plain, count, plain);
    if (!same(&sum, &other, 1) || !same(scores, plain, count)) fail("weights", kernels, &none);
    if (isnan(sum) != (expect_nan || !finite)) fail("NaN of weights", kernels, &none);
  }
}

static void check_refusals(const AttentionKernels *kernels) {
  for (int i = 0; i < 3000; i++) {
    Case made = make_case(SMALL);
    Pass pass = made.pass;
    if (pass.row_count == 0) {
      release(&made);
      continue;
    }
    Row *row = (Row *)pass.rows + below(pass.row_count);
    int32_t *tables = (int32_t *)pass.tables + row->sequence * pass.sequence_pages;
    const int32_t slots = (int32_t)(pass.sequence_pages * pass.page_slots), none = (int32_t)pass.pages;
    const int64_t named = row->position - row->prefix;
    const char *expected = "page";
    switch (below(12)) {
      case 0: row->sequence = below(2) ? -1 : (int32_t)pass.sequences, expected = "sequence"; break;
      case 1: row->position = below(2) ? INT32_MIN : (int32_t)pass.positions, expected = "position"; break;
      case 2: row->slot = below(2) ? -1 : slots, expected = "slot"; break;
      case 3: row->prefix = below(2) ? -1 : row->position + 1, expected = "prefix"; break;
      case 4: tables[row->slot / pass.page_slots] = below(2) ? -1 : none; break;
      case 5: row->position = INT32_MAX, expected = "position"; break;
      case 6:
        if (!named) expected = NULL;
        else row->first = (int32_t)(pass.ancestor_count - named + 1), expected = "ancestors";
        break;
      case 7:
        if (!named) expected = NULL;
        else row->first = below(2) ? -1 : INT32_MAX, expected = "ancestors";
        break;
      case 8:
        if (!named) expected = NULL;
        else ((int32_t *)pass.ancestors)[row->first + below(named)] = below(2) ? -1 : slots, expected = "ancestor";
        break;
      case 9:
        if (!named) expected = NULL;
        else tables[pass.ancestors[row->first + below(named)] / pass.page_slots] = below(2) ? -1 : none;
        break;
      case 10:
        if (!row->prefix) expected = NULL;
        else tables[below(row->prefix) / pass.page_slots] = below(2) ? INT32_MIN : INT32_MAX;
        break;
      default: row->first = named ? row->first : INT32_MIN, expected = NULL;
    }
    const char *wrong = check_pass(&pass);
    if (expected ? !wrong || !strstr(wrong, expected) : wrong != NULL)
      fail(wrong ? wrong : "not refused", kernels, &pass);
    release(&made);
  }
}

int main(int argc, char **argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 600;
  const Kernels *chosen = choose_kernels();
  if (!chosen) return fprintf(stderr, "FORETOKEN_KERNELS names kernels that do not run here\n"), 2;
  const AttentionKernels *kernels = attention_kernels(chosen);
  check_exp(kernels);
  check_weights(kernels);
  check_refusals(kernels);
  for (int i = 0; i < rounds; i++) check(kernels, i % 20 == 19 ? LARGE : SMALL);
  check(kernels, PROMPT);
  printf("attention %s: %d passes, the bits of plain C and of chains\n", kernels->name, rounds);
  return 0;
}
