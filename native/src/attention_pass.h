// One pass of TreeAttention over plain memory: checks, plan and pieces of work (attention.h says what is computed).
#ifndef FORETOKEN_ATTENTION_PASS_H
#define FORETOKEN_ATTENTION_PASS_H

#include <stddef.h>
#include <stdint.h>

#include "attention.h"
#include "product.h"

enum { MOST_CHANNELS = 256 };

// A row of a sequence. Its path: slots 0 to prefix - 1, at these positions; then, up to the one before its own, the
// slots ancestors[first], ancestors[first + 1], ...; then its own slot.
typedef struct {
  int32_t sequence, position, slot, prefix, first;
} Row;

typedef struct {
  int64_t heads, kv_heads, dim;
  int64_t row_count, positions, ancestor_count, sequences, sequence_pages, pages, page_slots;
  const float *qkv;         // [rows][heads + 2 kv_heads][dim]: queries, keys, values
  const float *cos, *sin;   // [positions][dim / 2]
  const Row *rows;          // [rows]
  const int32_t *ancestors; // [ancestors]
  const int32_t *tables;    // [sequences][sequence_pages]: slot s lies in page s / page_slots of its sequence
  CacheType type;           // of the pool's numbers
  void *keys, *values;      // [pages][kv_heads][page_slots][vector_numbers]: the rows' own are written
  float *y;                 // [rows][heads][dim]
} Pass;

// Runs work(data, i) for every i below `total`, in any order, on any threads, and returns when all is done; 0 on
// failure.
typedef struct {
  int (*run)(void *context, void (*work)(void *data, size_t i), size_t total, void *data);
  void *context;
} ParallelFor;

// The attention kernels that go with those for products; NULL for NULL.
const AttentionKernels *attention_kernels(const Kernels *kernels);

// What is wrong with a pass's numbers; NULL where nothing is.
const char *check_pass(const Pass *pass);

// Stores the rows' keys and values, then attends. The pass must have been checked. Of rows with the same slot of the
// same sequence the last one's key and value stay. Returns what went wrong, or NULL.
const char *run_pass(const Pass *pass, const AttentionKernels *kernels, ParallelFor parallel);

#endif
