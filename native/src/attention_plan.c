#include "attention_plan.h"

#include <string.h>

enum {
  // Queries of a block: enough to be limited by arithmetic, not by memory, and few enough for the second-level cache.
  BLOCK_QUERIES = 48,
  // Fewer pieces than these are split, into about so many.
  FEW_PIECES = 8,
  WANTED_PIECES = 12,
  // Products of queries and keys, in channels, that are worth a second round of the threads.
  WORTH_SPLITTING = 1 << 18,
  // Queries, or channels, that a kernel takes at a time.
  QUERY_TILE = 3,
  CHANNEL_TILE = 32,
  // Scores in memory at a time, if blocks have no more: 16 MiB.
  MOST_SCORES = 4 << 20,
  LINE_FLOATS = 64 / (int)sizeof(float),
};

void plan_blocks(Job *job, int64_t *ends) {
  const Pass *pass = job->pass;
  memset(ends, 0, (size_t)pass->sequences * sizeof *ends);
  for (int64_t r = 0; r < pass->row_count; r++) ends[pass->rows[r].sequence]++;
  for (int64_t s = 1; s < pass->sequences; s++) ends[s] += ends[s - 1];
  // From the last row on: so `ends` become the sequences' beginnings.
  for (int64_t r = pass->row_count - 1; r >= 0; r--) job->order[--ends[pass->rows[r].sequence]] = r;
  const int64_t most = larger(1, BLOCK_QUERIES / job->group);
  for (int64_t s = 0; s < pass->sequences; s++) {
    const int64_t end = s + 1 < pass->sequences ? ends[s + 1] : pass->row_count;
    // Blocks of equal size: 17 rows are 9 and 8, not 16 and 1.
    int64_t left = quotient_up(end - ends[s], most);
    for (int64_t first = ends[s]; first < end; left--) {
      Block *block = job->blocks + job->block_count++;
      *block = (Block){.first = first, .count = quotient_up(end - first, left), .shared = INT32_MAX};
      int64_t longest = 0;
      for (int64_t r = 0; r < block->count; r++) {
        block->shared = smaller(block->shared, row_at(job, block, r)->prefix);
        longest = larger(longest, row_at(job, block, r)->position + 1);
      }
      // An odd number of cache lines: so queries' scores spread over all sets of the cache.
      block->stride = (quotient_up(longest + 1, LINE_FLOATS) | 1) * LINE_FLOATS;
      first += block->count;
    }
  }
}

int64_t score_count(const Job *job, const Block *block) {
  return block->count * job->pass->heads * block->stride;
}

int64_t round_end(const Job *job, int64_t first, int64_t *count) {
  int64_t end = first;
  *count = 0;
  do *count += score_count(job, job->blocks + end++);
  while (end < job->block_count && *count + score_count(job, job->blocks + end) <= MOST_SCORES);
  return end;
}

void split(Job *job, int64_t end) {
  const Pass *pass = job->pass;
  const int64_t pieces = (end - job->round) * pass->kv_heads;
  job->key_parts = job->query_parts = job->channel_parts = 1;
  int64_t work = 0, fewest = INT64_MAX;
  for (const Block *block = job->blocks + job->round; block < job->blocks + end; block++) {
    work += block->count * pass->heads * block->stride * pass->dim;
    fewest = smaller(fewest, block->count * job->group);
  }
  if (pieces >= FEW_PIECES || work < WORTH_SPLITTING) return;
  const int64_t parts = quotient_up(WANTED_PIECES, pieces);
  job->key_parts = parts;
  job->query_parts = larger(1, smaller(parts, fewest / QUERY_TILE));
  if (job->query_parts == 1) job->channel_parts = larger(1, smaller(parts, pass->dim / CHANNEL_TILE));
}

int64_t most_scores(Job *job) {
  int64_t most = 0, count;
  for (job->round = 0; job->round < job->block_count;) {
    const int64_t end = round_end(job, job->round, &count);
    split(job, end);
    most = larger(most, count * (job->channel_parts > 1 ? 1 + job->channel_parts : 1));
    job->round = end;
  }
  return most;
}
