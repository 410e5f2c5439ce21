// Passes of TreeAttention over random trees, layouts and shapes: against a reference in double precision; the kernels
// of this CPU against the plain ones, bit for bit; and every row, bit for bit, against the same row decoded as a chain,
// token by token, in another layout. Built with AddressSanitizer and UBSan by `npm run test:native`.
#include "../src/half.h"
#include "attention_cases.h"

static void rotated(const Pass *pass, const float *x, int64_t position, double *to) {
  const int64_t half = pass->dim / 2;
  for (int64_t d = 0; d < half; d++) {
    const double c = pass->cos[position * half + d], s = pass->sin[position * half + d];
    to[d] = x[d] * c - x[d + half] * s;
    to[d + half] = x[d + half] * c + x[d] * s;
  }
}

// Key and value of the path's index i of row r, before they were stored.
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

// A stored vector's numbers.
static void read_held(const Pass *pass, const char *from, double *to) {
  float scale = 1;
  if (pass->type == CACHE_BYTES) memcpy(&scale, from + pass->dim, 4);
  for (int64_t d = 0; d < pass->dim; d++) {
    if (pass->type == CACHE_FLOATS) to[d] = ((const float *)from)[d];
    else if (pass->type == CACHE_HALVES) to[d] = half_to_float(from + 2 * d);
    else to[d] = (double)scale * ((const int8_t *)from)[d];
  }
}

// The slot of the path's index i of row r.
static int64_t path_slot(const Case *made, int64_t r, int64_t i) {
  if (i < made->committed[made->pass.rows[r].sequence]) return i;
  while (made->pass.rows[r].position > i) r = made->parents[r];
  return made->pass.rows[r].slot;
}

static void check_reference(const Case *made, const Pass *done, const AttentionKernels *kernels) {
  const Pass *pass = &made->pass;
  const int64_t dim = pass->dim;
  double *query = room(dim * 8), *held = room(dim * 8), *sums = room(dim * 8), *scores = room(pass->positions * 8);
  for (int64_t r = 0; r < pass->row_count; r++) {
    for (int64_t h = 0; h < pass->heads; h++) {
      const int64_t g = h / (pass->heads / pass->kv_heads), length = pass->rows[r].position + 1;
      const int64_t s = pass->rows[r].sequence;
      double max = -INFINITY, sum = 0;
      rotated(pass, pass->qkv + r * row_size(pass) + h * dim, length - 1, query);
      for (int64_t i = 0; i < length; i++) {
        read_held(pass, vector_at(done, done->keys, s, path_slot(made, r, i), g), held);
        scores[i] = 0;
        for (int64_t d = 0; d < dim; d++) scores[i] += query[d] * held[d] / sqrt((double)dim);
        max = fmax(max, scores[i]);
      }
      memset(sums, 0, (size_t)dim * 8);
      for (int64_t i = 0; i < length; i++) {
        read_held(pass, vector_at(done, done->values, s, path_slot(made, r, i), g), held);
        const double weight = exp(scores[i] - max);
        sum += weight;
        for (int64_t d = 0; d < dim; d++) sums[d] += weight * held[d];
      }
      for (int64_t d = 0; d < dim; d++)
        if (!(fabs(done->y[(r * pass->heads + h) * dim + d] - sums[d] / sum) <= 1e-5)) fail("reference", kernels, pass);
    }
  }
  free(query);
  free(held);
  free(sums);
  free(scores);
}

// How far a stored number may be from what was to be stored, of a vector whose largest magnitude is `most`.
static double held_error(const Pass *pass, double x, double most) {
  if (pass->type == CACHE_FLOATS) return 0;
  return pass->type == CACHE_HALVES ? fabs(x) / 2048 + 0x1p-25 : most / 253;
}

// The rows' keys and values are in their slots, and nothing else has changed.
static void check_stored(const Case *made, const Pass *done, const AttentionKernels *kernels) {
  const Pass *pass = &made->pass;
  Pass copy = copy_of(done);
  double *key = room(pass->dim * 8), *held_key = room(pass->dim * 8), *held_value = room(pass->dim * 8);
  for (int64_t r = 0; r < pass->row_count; r++) {
    for (int64_t g = 0; g < pass->kv_heads; g++) {
      const Row *row = pass->rows + r;
      const float *value;
      double most_key = 0, most_value = 0;
      path_vectors(made, r, row->position, g, key, &value);
      char *stored_key = vector_at(&copy, copy.keys, row->sequence, row->slot, g);
      char *stored_value = vector_at(&copy, copy.values, row->sequence, row->slot, g);
      read_held(pass, stored_key, held_key);
      read_held(pass, stored_value, held_value);
      for (int64_t d = 0; d < pass->dim; d++) {
        most_key = fmax(most_key, fabs(key[d]));
        most_value = fmax(most_value, fabs((double)value[d]));
      }
      for (int64_t d = 0; d < pass->dim; d++) {
        if (!(fabs(held_key[d] - key[d]) <= 1e-6 + held_error(pass, key[d], most_key)) ||
            !(fabs(held_value[d] - value[d]) <= held_error(pass, value[d], most_value)))
          fail("stored", kernels, pass);
      }
      memset(stored_key, 0xff, (size_t)vector_bytes(pass));
      memset(stored_value, 0xff, (size_t)vector_bytes(pass));
    }
  }
  if (!same_pools(&copy, pass)) fail("other slots", kernels, pass);
  free(key);
  free(held_key);
  free(held_value);
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
        // In 8 bits all channels of a vector have one scale.
        const int touches = sees && (is_query || is_key || d == channel % dim || pass->type == CACHE_BYTES);
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
  const int64_t y = y_size(&one);
  if (!same(one.y, other.y, y) || !same_pools(&one, &other)) fail("plain bits", kernels, &one);
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

int main(int argc, char **argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 600;
  const Kernels *chosen = choose_kernels();
  if (!chosen) return fprintf(stderr, "FORETOKEN_KERNELS names kernels that do not run here\n"), 2;
  const AttentionKernels *kernels = attention_kernels(chosen);
  for (int i = 0; i < rounds; i++) check(kernels, i % 20 == 19 ? LARGE : SMALL);
  check(kernels, PROMPT);
  printf("attention %s: %d passes, the bits of plain C and of chains\n", kernels->name, rounds);
  return 0;
}
