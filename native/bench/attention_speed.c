// How long TreeAttention takes: microseconds per call on one thread and on two, and gigabytes of keys and values per
// second; of 32-bit floats, or 16 or 8 bits: given as 16, 8.
// gcc -O3 -ffp-contract=off -pthread native/bench/attention_speed.c native/src/*.c -lm
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../src/attention_pass.h"

enum { HEADS = 9, KV_HEADS = 3, DIM = 64, PAGE_SLOTS = 64, LAYERS = 8 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

// A second thread that waits for work, spinning, as those of ONNX Runtime do. Pieces are taken from the last one on.
static struct {
  void (*work)(void *, size_t);
  void *data;
  size_t left, done;
  int end;
} shared;

static void take_pieces(void) {
  size_t left = __atomic_load_n(&shared.left, __ATOMIC_ACQUIRE);
  while (left > 0) {
    if (!__atomic_compare_exchange_n(&shared.left, &left, left - 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) continue;
    // Until this piece is done, the caller waits: so these are its round's.
    shared.work(shared.data, left - 1);
    __atomic_add_fetch(&shared.done, 1, __ATOMIC_ACQ_REL);
    left = __atomic_load_n(&shared.left, __ATOMIC_ACQUIRE);
  }
}

static void *second(void *unused) {
  while (!__atomic_load_n(&shared.end, __ATOMIC_ACQUIRE)) take_pieces();
  return unused;
}

static int run_on_two(void *context, void (*work)(void *, size_t), size_t total, void *data) {
  (void)context;
  shared.work = work;
  shared.data = data;
  __atomic_store_n(&shared.done, 0, __ATOMIC_RELEASE);
  __atomic_store_n(&shared.left, total, __ATOMIC_RELEASE);
  take_pieces();
  while (__atomic_load_n(&shared.done, __ATOMIC_ACQUIRE) != total) {}
  return 1;
}

static int run_on_one(void *context, void (*work)(void *, size_t), size_t total, void *data) {
  (void)context;
  for (size_t i = 0; i < total; i++) work(data, i);
  return 1;
}

static float *numbers(int64_t count) {
  float *made = aligned_alloc(64, (size_t)(count * 4 + 63) / 64 * 64);
  for (int64_t i = 0; i < count; i++) made[i] = (float)rand() / (float)RAND_MAX - 0.5f;
  return made;
}

static char *vectors(const NarrowType *narrow, int64_t count, int64_t bytes) {
  float *x = numbers(count * DIM);
  if (!narrow) return (char *)x;
  char *made = aligned_alloc(64, (size_t)(count * bytes + 63) / 64 * 64);
  for (int64_t i = 0; i < count; i++) narrow->narrow(x + i * DIM, DIM, made + i * bytes);
  free(x);
  return made;
}

// The fastest of some calls; each takes another layer's pool, as a model's calls do.
static double time_calls(Pass *pass, void **keys, void **values, const AttentionKernels *kernels,
                         ParallelFor parallel) {
  double best = 1e30;
  for (int turn = 0; turn < 20; turn++) {
    const double begin = now();
    for (int layer = 0; layer < LAYERS; layer++) {
      pass->keys = keys[layer];
      pass->values = values[layer];
      if (check_pass(pass) || run_pass(pass, kernels, parallel)) exit(1);
    }
    const double each = (now() - begin) / LAYERS;
    if (each < best) best = each;
  }
  return best;
}

int main(int argc, char **argv) {
  const int bits = argc > 1 ? atoi(argv[1]) : 32;
  const CacheType type = bits == 32 ? CACHE_FLOATS : bits == 16 ? CACHE_HALVES : CACHE_BYTES;
  const int64_t vector = vector_numbers(type, DIM) * number_bytes(type);
  const AttentionKernels *kernels = attention_kernels(choose_kernels());
  if (!kernels) return 2;
  printf("kernels %s\n", kernels->name);
  printf("%6s %5s %10s %7s %10s %7s\n", "past", "rows", "1 thread", "GB/s", "2 threads", "GB/s");
  for (int64_t past = 256; past <= 16384; past *= 4) {
    const int64_t positions = past + 16, pages = (positions + PAGE_SLOTS - 1) / PAGE_SLOTS;
    void *keys[LAYERS], *values[LAYERS];
    for (int i = 0; i < LAYERS; i++) {
      keys[i] = vectors(kernels->narrow[type], pages * KV_HEADS * PAGE_SLOTS, vector);
      values[i] = vectors(kernels->narrow[type], pages * KV_HEADS * PAGE_SLOTS, vector);
    }
    int32_t *table = malloc((size_t)pages * 4);
    for (int64_t i = 0; i < pages; i++) table[i] = (int32_t)((i * 7 + 3) % pages);
    if (pages % 7 == 0) return 3;
    float *cos = numbers(positions * DIM / 2), *sin = numbers(positions * DIM / 2);
    for (int64_t rows = 1; rows <= 16; rows = rows == 1 ? 4 : rows * 2) {
      // A binary tree: a row's parent is row (r - 1) / 2.
      Row tree[16];
      int32_t ancestors[16 * 16], count = 0;
      for (int32_t r = 0; r < rows; r++) {
        int32_t depth = 0;
        for (int32_t at = r; at > 0; at = (at - 1) / 2) depth++;
        tree[r] = (Row){0, (int32_t)past + depth, (int32_t)past + r, (int32_t)past, count};
        for (int32_t at = r, i = depth; at > 0; at = (at - 1) / 2)
          ancestors[count + --i] = (int32_t)past + (at - 1) / 2;
        count += depth;
      }
      float *qkv = numbers(rows * (HEADS + 2 * KV_HEADS) * DIM), *y = numbers(rows * HEADS * DIM);
      Pass pass = {.heads = HEADS, .kv_heads = KV_HEADS, .dim = DIM, .row_count = rows, .positions = positions,
                   .ancestor_count = count, .sequences = 1, .sequence_pages = pages, .pages = pages,
                   .page_slots = PAGE_SLOTS, .qkv = qkv, .cos = cos, .sin = sin, .rows = tree, .ancestors = ancestors,
                   .tables = table, .type = type, .y = y};
      const double one = time_calls(&pass, keys, values, kernels, (ParallelFor){run_on_one, NULL});
      // Only now, so that it takes nothing from the first measurement.
      pthread_t thread;
      shared.end = 0;
      pthread_create(&thread, NULL, second, NULL);
      const double two = time_calls(&pass, keys, values, kernels, (ParallelFor){run_on_two, NULL});
      __atomic_store_n(&shared.end, 1, __ATOMIC_RELEASE);
      pthread_join(thread, NULL);
      const double bytes = (double)((past + rows) * KV_HEADS * 2 * vector);
      printf("%6lld %5lld %10.1f %7.2f %10.1f %7.2f\n", (long long)past, (long long)rows, one, bytes / one / 1e3, two,
             bytes / two / 1e3);
      free(qkv);
      free(y);
    }
    free(table);
    free(cos);
    free(sin);
    for (int i = 0; i < LAYERS; i++) free(keys[i]), free(values[i]);
  }
  return 0;
}
