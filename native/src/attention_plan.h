// How a pass of TreeAttention is cut into pieces of work.
//
// The rows of a sequence are taken in blocks. All rows of a block share the slots up to their shortest prefix: these
// keys and values are read once for all of them and for all query heads of a group; what is left of every path, row by
// row.
//
// Pieces of work are blocks times key heads. Where they are too few for several threads, scores are split by ranges of
// shared slots, and then weights and values by queries, or for few queries by channels: so keys and values
// are still read once, or serve several queries each time.
#ifndef FORETOKEN_ATTENTION_PLAN_H
#define FORETOKEN_ATTENTION_PLAN_H

#include "attention_pass.h"

// Rows of one sequence: `count` from place `first` of the plan's order on.
typedef struct {
  int64_t first, count;
  int64_t shared; // slots that all of them begin with
  int64_t stride; // from one query's scores to the next one's
  float *scores;  // [kv_heads][count * group][stride]; the last place of each is 1 / sum of the weights
} Block;

typedef struct {
  const Pass *pass;
  const AttentionKernels *kernels;
  int64_t group; // query heads of a key head
  int64_t slots; // slots at a time
  int64_t *order;  // rows by sequence
  Block *blocks;
  int64_t block_count;
  float *queries; // [kv_heads][rows in order][group][dim], rotated
  float **sums;   // [kv_heads][rows in order][group]: the queries' places in y
  // The round at hand: these blocks' scores, and a copy of them for each part of the channels.
  int64_t round;
  float *scores;
  int64_t score_count;
  int64_t key_parts, query_parts, channel_parts;
} Job;

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t quotient_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

static inline const Row *row_at(const Job *job, const Block *block, int64_t r) {
  return job->pass->rows + job->order[block->first + r];
}

// Sorts the rows by sequence, keeping their order otherwise, and cuts them into blocks. `ends` has room for all sequences.
void plan_blocks(Job *job, int64_t *ends);

int64_t score_count(const Job *job, const Block *block);

// The end of the round that begins with block `first`, and its number of scores.
int64_t round_end(const Job *job, int64_t first, int64_t *count);

// How the pieces of the blocks from job->round to `end` are split.
void split(Job *job, int64_t end);

// Scores that the largest round needs room for, with its copies.
int64_t most_scores(Job *job);

#endif
