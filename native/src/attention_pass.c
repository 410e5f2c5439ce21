// The work of a pass: keys and values are stored, then scores, weights and values computed piece by piece.
#include "attention_plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  // Slots at a time, and channels of these: half of the first-level cache.
  MOST_SLOTS = 64,
  CACHED_CHANNELS = 4096,
  CACHE_LINE = 64,
};

const AttentionKernels *attention_kernels(const Kernels *kernels) {
#if defined(__x86_64__)
  if (kernels == &avx512_vnni_kernels) return &avx512_attention;
  if (kernels && kernels != &plain_kernels) return &avx2_attention;
#elif defined(__aarch64__)
  if (kernels && kernels != &plain_kernels) return &neon_attention;
#endif
  return kernels ? &plain_attention : NULL;
}

// The pool's number that a slot's vector begins with.
static int64_t place(const Pass *pass, const Row *row, int64_t kv_head, int64_t slot) {
  const int64_t page = pass->tables[row->sequence * pass->sequence_pages + slot / pass->page_slots];
  return ((page * pass->kv_heads + kv_head) * pass->page_slots + slot % pass->page_slots) *
         vector_numbers(pass->type, pass->dim);
}

// The places of the path's indices `from` to `to`.
static void locate(const Pass *pass, const Row *row, int64_t kv_head, int64_t from, int64_t to, int64_t *offsets) {
  const int64_t step = vector_numbers(pass->type, pass->dim);
  int64_t i = from;
  while (i < to && i < row->prefix) {
    const int64_t page_end = (i / pass->page_slots + 1) * pass->page_slots;
    const int64_t end = smaller(smaller(page_end, row->prefix), to);
    for (int64_t at = place(pass, row, kv_head, i); i < end; i++, at += step) *offsets++ = at;
  }
  for (; i < to; i++) {
    const int64_t slot = i < row->position ? pass->ancestors[row->first + i - row->prefix] : row->slot;
    *offsets++ = place(pass, row, kv_head, slot);
  }
}

// The vectors of a pool at these offsets, as floats: where they lie, or channels `from` to `to` of them widened into `room`.
static Vectors read_vectors(const Job *job, const void *pool, int64_t *offsets, int64_t count, int64_t from, int64_t to,
                            float *room) {
  const NarrowType *narrow = job->kernels->narrow[job->pass->type];
  if (!narrow) return (Vectors){pool, offsets, count};
  const int64_t dim = job->pass->dim;
  narrow->widen(pool, offsets, count, dim, from, to, room);
  for (int64_t i = 0; i < count; i++) offsets[i] = i * dim;
  return (Vectors){room, offsets, count};
}

// The place of a block's first query in `queries` (times dim) and `sums`.
static int64_t first_query(const Job *job, const Block *block, int64_t kv_head) {
  return (kv_head * job->pass->row_count + block->first) * job->group;
}

static float *scores_of(const Job *job, const Block *block, int64_t kv_head) {
  return block->scores + kv_head * block->count * job->group * block->stride;
}

static void score_range(const Job *job, const Row *row, int64_t kv_head, int64_t from, int64_t to, const float *queries,
                        int64_t count, float *scores, int64_t stride) {
  _Alignas(CACHE_LINE) float room[CACHED_CHANNELS];
  int64_t offsets[MOST_SLOTS];
  for (int64_t i = from; i < to; i += job->slots) {
    const int64_t end = smaller(i + job->slots, to);
    locate(job->pass, row, kv_head, i, end, offsets);
    const Vectors keys = read_vectors(job, job->pass->keys, offsets, end - i, 0, job->pass->dim, room);
    job->kernels->score(&keys, queries, count, job->pass->dim, scores + i, stride);
  }
}

static void add_range(const Job *job, const Row *row, int64_t kv_head, int64_t from, int64_t to, const float *weights,
                      int64_t stride, int64_t count, int64_t from_channel, int64_t to_channel, float *const *sums) {
  _Alignas(CACHE_LINE) float room[CACHED_CHANNELS];
  int64_t offsets[MOST_SLOTS];
  for (int64_t i = from; i < to; i += job->slots) {
    const int64_t end = smaller(i + job->slots, to);
    locate(job->pass, row, kv_head, i, end, offsets);
    const Vectors values = read_vectors(job, job->pass->values, offsets, end - i, from_channel, to_channel, room);
    job->kernels->add(&values, weights + i, stride, count, from_channel, to_channel, sums);
  }
}

// Scores of one block and key head, part `part` of key_parts: a range of the shared slots; and, for every key_parts-th
// row, the rest of its path.
static void score_piece(const Job *job, const Block *block, int64_t kv_head, int64_t part) {
  const int64_t dim = job->pass->dim, group = job->group, stride = block->stride;
  const int64_t chunks = quotient_up(block->shared, job->slots);
  const int64_t from = chunks * part / job->key_parts * job->slots;
  const int64_t to = smaller(chunks * (part + 1) / job->key_parts * job->slots, block->shared);
  const float *queries = job->queries + first_query(job, block, kv_head) * dim;
  float *scores = scores_of(job, block, kv_head);
  score_range(job, row_at(job, block, 0), kv_head, from, to, queries, block->count * group, scores, stride);
  for (int64_t r = part; r < block->count; r += job->key_parts) {
    const Row *row = row_at(job, block, r);
    score_range(job, row, kv_head, block->shared, row->position + 1, queries + r * group * dim, group,
                scores + r * group * stride, stride);
  }
}

// Weights and values of one block and key head: part `part` of query_parts or channel_parts.
static void value_piece(const Job *job, const Block *block, int64_t kv_head, int64_t part) {
  const int64_t group = job->group, stride = block->stride, all = block->count * group;
  const int64_t query_part = part / job->channel_parts, channel_part = part % job->channel_parts;
  const int64_t begin = all * query_part / job->query_parts, end = all * (query_part + 1) / job->query_parts;
  const int64_t from = job->pass->dim / 8 * channel_part / job->channel_parts * 8;
  const int64_t to = job->pass->dim / 8 * (channel_part + 1) / job->channel_parts * 8;
  const float *scores = scores_of(job, block, kv_head);
  float *const *sums = job->sums + first_query(job, block, kv_head);
  // Each part of the channels makes its own weights, in a copy; where there is but one, in place.
  const int64_t copy = job->channel_parts > 1 ? channel_part + 1 : 0;
  float *weights = scores_of(job, block, kv_head) + copy * job->score_count;
  for (int64_t q = begin; q < end; q++) {
    const int64_t length = row_at(job, block, q / group)->position + 1;
    weights[q * stride + stride - 1] = 1 / job->kernels->weigh(scores + q * stride, length, weights + q * stride);
    memset(sums[q] + from, 0, (size_t)(to - from) * sizeof(float));
  }
  add_range(job, row_at(job, block, 0), kv_head, 0, block->shared, weights + begin * stride, stride, end - begin, from,
            to, sums + begin);
  for (int64_t q = begin, next; q < end; q = next) {
    const Row *row = row_at(job, block, q / group);
    next = smaller((q / group + 1) * group, end);
    add_range(job, row, kv_head, block->shared, row->position + 1, weights + q * stride, stride, next - q, from, to,
              sums + q);
  }
  for (int64_t q = begin; q < end; q++)
    for (int64_t d = from; d < to; d++) sums[q][d] *= weights[q * stride + stride - 1];
}

static void score_work(void *data, size_t i) {
  const Job *job = data;
  const int64_t piece = (int64_t)i / job->key_parts;
  score_piece(job, job->blocks + job->round + piece / job->pass->kv_heads, piece % job->pass->kv_heads,
              (int64_t)i % job->key_parts);
}

static void value_work(void *data, size_t i) {
  const Job *job = data;
  const int64_t parts = job->query_parts * job->channel_parts, piece = (int64_t)i / parts;
  value_piece(job, job->blocks + job->round + piece / job->pass->kv_heads, piece % job->pass->kv_heads,
              (int64_t)i % parts);
}

static void whole_work(void *data, size_t i) {
  score_work(data, i);
  value_work(data, i);
}

// Stores a vector of floats in a pool.
static void store(const Job *job, const float *x, void *pool, int64_t at) {
  const Pass *pass = job->pass;
  const NarrowType *narrow = job->kernels->narrow[pass->type];
  char *to = (char *)pool + at * number_bytes(pass->type);
  if (narrow) narrow->narrow(x, pass->dim, to);
  else memcpy(to, x, (size_t)pass->dim * sizeof(float));
}

// Stores the rows' keys and values; rotates their queries.
static void store_rows(Job *job) {
  const Pass *pass = job->pass;
  const int64_t dim = pass->dim, heads = pass->heads, kv_heads = pass->kv_heads;
  const float scale = (float)(1 / sqrt((double)dim));
  for (int64_t i = 0; i < pass->row_count; i++) {
    const int64_t r = job->order[i];
    const Row *row = pass->rows + r;
    const float *cos = pass->cos + row->position * (dim / 2), *sin = pass->sin + row->position * (dim / 2);
    const float *query = pass->qkv + r * (heads + 2 * kv_heads) * dim;
    const float *key = query + heads * dim, *value = key + kv_heads * dim;
    for (int64_t g = 0; g < kv_heads; g++) {
      const int64_t at = place(pass, row, g, row->slot);
      float rotated[MOST_CHANNELS];
      job->kernels->rotate(key + g * dim, cos, sin, dim, 1, rotated);
      store(job, rotated, pass->keys, at);
      store(job, value + g * dim, pass->values, at);
      for (int64_t h = 0; h < job->group; h++) {
        const int64_t to = (g * pass->row_count + i) * job->group + h, head = g * job->group + h;
        job->kernels->rotate(query + head * dim, cos, sin, dim, scale, job->queries + to * dim);
        job->sums[to] = pass->y + (r * heads + head) * dim;
      }
    }
  }
}

static int run_round(Job *job, int64_t end, ParallelFor parallel) {
  float *scores = job->scores;
  for (Block *block = job->blocks + job->round; block < job->blocks + end; block++) {
    block->scores = scores;
    scores += score_count(job, block);
  }
  const int64_t pieces = (end - job->round) * job->pass->kv_heads, parts = job->query_parts * job->channel_parts;
  if (job->key_parts == 1 && parts == 1) return parallel.run(parallel.context, whole_work, (size_t)pieces, job);
  return parallel.run(parallel.context, score_work, (size_t)(pieces * job->key_parts), job) &&
         parallel.run(parallel.context, value_work, (size_t)(pieces * parts), job);
}

static const char *attend(Job *job, ParallelFor parallel) {
  const size_t queries = (size_t)(job->pass->row_count * job->pass->heads);
  const size_t scores_bytes = (size_t)most_scores(job) * sizeof(float);
  const size_t query_bytes = queries * (size_t)job->pass->dim * sizeof(float);
  char *memory = malloc(CACHE_LINE + scores_bytes + query_bytes + queries * sizeof *job->sums);
  if (!memory) return "no memory for the scores";
  job->scores = (float *)(memory + (CACHE_LINE - (uintptr_t)memory % CACHE_LINE));
  job->queries = (float *)((char *)job->scores + scores_bytes);
  job->sums = (float **)((char *)job->queries + query_bytes);
  store_rows(job);
  int done = 1;
  for (job->round = 0; done && job->round < job->block_count;) {
    const int64_t end = round_end(job, job->round, &job->score_count);
    split(job, end);
    done = run_round(job, end, parallel);
    job->round = end;
  }
  free(memory);
  return done ? NULL : "the work could not be handed to the threads";
}

const char *run_pass(const Pass *pass, const AttentionKernels *kernels, ParallelFor parallel) {
  if (pass->row_count == 0) return NULL;
  Job job = {.pass = pass, .kernels = kernels, .group = pass->heads / pass->kv_heads};
  job.slots = smaller(MOST_SLOTS, CACHED_CHANNELS / pass->dim / 8 * 8);
  const size_t rows = (size_t)pass->row_count, sequences = (size_t)pass->sequences;
  // There are at most as many blocks as rows.
  job.blocks = malloc(rows * (sizeof *job.blocks + sizeof *job.order) + sequences * sizeof *job.order);
  if (!job.blocks) return "no memory for the plan";
  job.order = (int64_t *)(job.blocks + rows);
  plan_blocks(&job, job.order + rows);
  const char *wrong = attend(&job, parallel);
  free(job.blocks);
  return wrong;
}
