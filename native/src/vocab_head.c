// VocabHead: the product with a vocabulary's weights, and what each row asked for of its logits; others are never written.
//
// Inputs: x f32 [1, W, K]; weights u8 and bias f32 as SkinnyMatMul's; logit_rows i64 [L], top_rows i64 [T], sum_rows i64 [S]:
// rows of x, no row twice in one of them; k i64 [1].
// Attributes: K, N, bits; limit: ids from here on are left out of the largest and of sums.
// Outputs: logits f32 [1, L, N]; values f32 and ids i64 [1, T, k], largest first, of equal ones the lower id first; sums f32
// [1, S], log(sum(exp(logits))). Values and sums of a row that cannot be chosen by (NaN, infinity, all zero) are NaN.
#include "vocab_head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "operator.h"
#include "rows.h"
#include "tiles.h"
#include "vocab_row.h"

enum { X, WEIGHTS, BIAS, LOGIT_ROWS, TOP_ROWS, SUM_ROWS, K_LARGEST, INPUTS };
enum { LOGITS, VALUES, IDS, SUMS, OUTPUTS };
// Pieces of a vocabulary: enough for many threads, few enough to keep k candidates of each.
enum { MOST_PIECES = 64 };

typedef struct {
  Product product;
  int64_t limit;
} Kernel;

// Where a row's results go; -1 where it asked for none.
typedef struct {
  int64_t logits, top, sum;
} Wants;

typedef struct {
  const Kernel *kernel;
  Weights weights;
  Rounded x;
  int64_t rows, pieces, piece_tiles, k;
  Wants *wants;      // [rows]
  VocabRow *found;   // [pieces][rows]
  float *values;     // [pieces][rows][k]
  int64_t *ids;      // [pieces][rows][k]
  float *logits;
} Job;

static void take(const Job *job, VocabRow *found, const Wants *wants, const float *sums, int64_t tile) {
  const int64_t N = job->kernel->product.N, limit = job->kernel->limit, column = tile * TILE;
  const int64_t columns = N - column < TILE ? N - column : TILE;
  const int64_t known = limit - column < columns ? limit - column : columns;
  if (wants->logits >= 0) memcpy(job->logits + wants->logits * N + column, sums, (size_t)columns * sizeof(float));
  if (known > 0 && (wants->top >= 0 || wants->sum >= 0)) vocab_row_take(found, sums, column, known, wants->sum >= 0);
}

// All rows with the tiles of one piece.
static void piece(void *data, size_t i) {
  const Job *job = data;
  const Product *product = &job->kernel->product;
  VocabRow *found = job->found + (int64_t)i * job->rows;
  for (int64_t row = 0; row < job->rows; row++) {
    const int64_t at = ((int64_t)i * job->rows + row) * job->k;
    vocab_row_start(found + row, job->wants[row].top >= 0 ? job->k : 0, job->values + at, job->ids + at);
  }
  const int64_t first = (int64_t)i * job->piece_tiles, end = first + job->piece_tiles;
  for (int64_t tile = first; tile < end && tile < product->tiles; tile++)
    for (int64_t row = 0, count; row < job->rows; row += count) {
      float sums[MOST_ROWS * TILE];
      count = group_of(product, job->rows - row);
      tile_sums(product, &job->weights, tile, &job->x, row, count, row + count == job->rows, sums);
      for (int64_t r = row; r < row + count; r++) take(job, found + r, job->wants + r, sums + (r - row) * TILE, tile);
    }
}

// Joins what the pieces found of every row.
static void join(const Job *job, float *values, int64_t *ids, float *sums) {
  for (int64_t row = 0; row < job->rows; row++) {
    const Wants *wants = job->wants + row;
    if (wants->top < 0 && wants->sum < 0) continue;
    VocabRow *all = job->found + row;
    for (int64_t i = 1; i < job->pieces; i++) vocab_row_join(all, job->found + i * job->rows + row);
    const int sound = vocab_row_sound(all);
    if (wants->sum >= 0) sums[wants->sum] = sound ? vocab_row_log_sum(all) : NAN;
    if (wants->top < 0) continue;
    for (int64_t i = 0; i < job->k; i++) {
      values[wants->top * job->k + i] = sound ? all->values[i] : NAN;
      ids[wants->top * job->k + i] = sound ? all->ids[i] : 0;
    }
  }
}

// Reads a list of rows into a member of every row's wants. Its place in `wants` counts in numbers.
static OrtStatus *read_wants(const Job *job, OrtKernelContext *context, size_t input, size_t member, int64_t *count) {
  const OrtApi *api = job->kernel->product.api;
  Tensor list;
  TRY(read_input(api, context, input, &list));
  if (list.count != 1) return refuse(api, "VocabHead: a list of rows must have one dimension");
  *count = list.dims[0];
  for (int64_t i = 0; i < list.dims[0]; i++) {
    const int64_t row = ((const int64_t *)list.data)[i];
    if (row < 0 || row >= job->rows) return refuse(api, "VocabHead: a list names a row that is none of x's");
    int64_t *want = (int64_t *)(job->wants + row) + member;
    if (*want >= 0) return refuse(api, "VocabHead: a list names a row twice");
    *want = i;
  }
  return NULL;
}

static OrtStatus *run(Job *job, OrtKernelContext *context, const float *x) {
  const Product *product = &job->kernel->product;
  const OrtApi *api = product->api;
  int64_t L, T, S, *ids = NULL;
  float *values = NULL, *sums = NULL;
  TRY(read_wants(job, context, LOGIT_ROWS, 0, &L));
  TRY(read_wants(job, context, TOP_ROWS, 1, &T));
  TRY(read_wants(job, context, SUM_ROWS, 2, &S));
  TRY(make_output(api, context, LOGITS, (int64_t[]){1, L, product->N}, 3, (void **)&job->logits));
  TRY(make_output(api, context, VALUES, (int64_t[]){1, T, job->k}, 3, (void **)&values));
  TRY(make_output(api, context, IDS, (int64_t[]){1, T, job->k}, 3, (void **)&ids));
  TRY(make_output(api, context, SUMS, (int64_t[]){1, S}, 2, (void **)&sums));
  if (job->rows == 0) return NULL;
  const Rows rows = {.x = x, .count = job->rows, .width = product->K};
  if (!round_rows(product->kernels, &rows, &job->x)) return refuse(api, "VocabHead: no memory for the rounded rows");
  OrtStatus *status = run_on_threads(api, context, piece, (size_t)job->pieces, job);
  if (!status) join(job, values, ids, sums);
  free(job->x.scale);
  return status;
}

static OrtStatus *ORT_CALL compute(void *state, OrtKernelContext *context) {
  Job job = {.kernel = state};
  const Product *product = &job.kernel->product;
  const OrtApi *api = product->api;
  Tensor x, k;
  TRY(read_input(api, context, X, &x));
  TRY(read_weights(product, context, WEIGHTS, &job.weights));
  TRY(read_input(api, context, K_LARGEST, &k));
  if (x.count != 3 || x.dims[0] != 1 || x.dims[2] != product->K) return refuse(api, "VocabHead: x must be [1, W, K]");
  if (k.count != 1 || k.dims[0] != 1) return refuse(api, "VocabHead: k must be [1]");
  job.k = *(const int64_t *)k.data;
  if (job.k < 0 || job.k > job.kernel->limit) return refuse(api, "VocabHead: k must be from 0 to the number of ids");
  job.rows = x.dims[1];
  // At least as large as others' pieces, and of the same number of tiles whatever the rows: the order of sums.
  job.piece_tiles = (product->tiles + MOST_PIECES - 1) / MOST_PIECES;
  if (job.piece_tiles < tiles_in_piece(product)) job.piece_tiles = tiles_in_piece(product);
  job.pieces = (product->tiles + job.piece_tiles - 1) / job.piece_tiles;
  const size_t count = (size_t)(job.pieces * job.rows), most = count * (size_t)job.k;
  job.wants = malloc((size_t)job.rows * sizeof *job.wants + 1);
  job.found = malloc(count * sizeof *job.found + 1);
  job.ids = malloc(most * sizeof *job.ids + 1);
  job.values = malloc(most * sizeof *job.values + 1);
  OrtStatus *status = NULL;
  if (!job.wants || !job.found || !job.ids || !job.values) status = refuse(api, "VocabHead: no memory");
  if (!status) {
    memset(job.wants, -1, (size_t)job.rows * sizeof *job.wants);
    status = run(&job, context, x.data);
  }
  free(job.wants);
  free(job.found);
  free(job.ids);
  free(job.values);
  return status;
}

static OrtStatus *ORT_CALL create(const OrtCustomOp *op, const OrtApi *api, const OrtKernelInfo *info, void **out) {
  (void)op;
  Kernel kernel;
  TRY(read_product(api, info, "VocabHead", &kernel.product));
  TRY(read_attribute(api, info, "limit", &kernel.limit));
  if (kernel.limit < 1 || kernel.limit > kernel.product.N) return refuse(api, "VocabHead: limit must be from 1 to N");
  return keep(api, &kernel, sizeof kernel, out);
}

static const char *ORT_CALL name(const OrtCustomOp *op) { return (void)op, "VocabHead"; }
static int ORT_CALL input_type(const OrtCustomOp *op, size_t i) {
  return (void)op, i == WEIGHTS ? ORT_UINT8 : i >= LOGIT_ROWS ? ORT_INT64 : ORT_FLOAT;
}
static int ORT_CALL output_type(const OrtCustomOp *op, size_t i) { return (void)op, i == IDS ? ORT_INT64 : ORT_FLOAT; }
static size_t ORT_CALL inputs(const OrtCustomOp *op) { return (void)op, INPUTS; }
static size_t ORT_CALL outputs(const OrtCustomOp *op) { return (void)op, OUTPUTS; }
static int ORT_CALL input_kind(const OrtCustomOp *op, size_t i) { return (void)op, i == BIAS ? ORT_OPTIONAL : ORT_REQUIRED; }
static int ORT_CALL output_kind(const OrtCustomOp *op, size_t i) { return (void)op, (void)i, ORT_REQUIRED; }

const OrtCustomOp vocab_head = {
    OPERATOR_ON_CPU,
    .GetName = name,
    .GetInputType = input_type,
    .GetInputTypeCount = inputs,
    .GetInputCharacteristic = input_kind,
    .GetOutputType = output_type,
    .GetOutputTypeCount = outputs,
    .GetOutputCharacteristic = output_kind,
    .CreateKernelV2 = create,
    .KernelComputeV2 = compute,
};
