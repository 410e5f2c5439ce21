// SkinnyMatMul: y [..., N] = x [..., K] W^T + bias for few rows, with W in blocks of 32 (product.h), and what a decoder does
// before and after it: the residual stream's update and norm (rows.h), and the gate of SwiGLU.
//
// Inputs, all but the first two optional: x f32 [..., K]; weights u8 [ceil(N / 16), ceil(K / 32), 320 (4 bits) or 544
// (8 bits)]; bias f32 [N]; up weights and up bias, of the same shapes: then y = silu(x W^T + bias) * (x Up^T + up bias);
// gain f32 [K]: then the products take x / sqrt(mean(x^2) + epsilon) * gain; update f32 [..., K]: is added to x before.
// Attributes: K, N, bits (4 or 8), epsilon (default 0). Outputs: y f32 [..., N]; with an update also sum f32 [..., K] = x + update.
// Work is split over ONNX Runtime's own threads, by tiles.
#include "skinny_matmul.h"

#include <stdlib.h>
#include <string.h>

#include "exponential.h"
#include "operator.h"
#include "rows.h"
#include "tiles.h"

enum { X, WEIGHTS, BIAS, UP_WEIGHTS, UP_BIAS, GAIN, UPDATE, INPUTS };
enum { Y, SUM, OUTPUTS };

typedef struct {
  Product product;
  float epsilon;
} Kernel;

typedef struct {
  const Product *product;
  Weights weights, up;
  float *y;
  Rounded x;
  int64_t rows, piece_tiles;
} Job;

// silu(gate) * up. Shazeer 2020
static void swiglu(float *gate, const float *up, int64_t count) {
  for (int64_t i = 0; i < count; i++) gate[i] = gate[i] / (1 + exponential(-gate[i])) * up[i];
}

// All rows with the tiles of one piece.
static void piece(void *data, size_t i) {
  const Job *job = data;
  const Product *product = job->product;
  const int64_t first = (int64_t)i * job->piece_tiles, end = first + job->piece_tiles;
  for (int64_t tile = first; tile < end && tile < product->tiles; tile++) {
    const int64_t column = tile * TILE;
    const size_t columns = (size_t)(product->N - column < TILE ? product->N - column : TILE);
    for (int64_t row = 0, count; row < job->rows; row += count) {
      float sums[MOST_ROWS * TILE], ups[MOST_ROWS * TILE];
      count = group_of(product, job->rows - row);
      const int last = row + count == job->rows;
      tile_sums(product, &job->weights, tile, &job->x, row, count, last, sums);
      if (job->up.tiles) {
        tile_sums(product, &job->up, tile, &job->x, row, count, last, ups);
        swiglu(sums, ups, count * TILE);
      }
      for (int64_t r = 0; r < count; r++)
        memcpy(job->y + (row + r) * product->N + column, sums + r * TILE, columns * sizeof(float));
    }
  }
}

// Outputs of the rows' shape; and how many rows there are.
static OrtStatus *make_outputs(const Product *product, OrtKernelContext *context, Tensor *x, Job *job, Rows *rows) {
  rows->count = 1;
  for (size_t i = 0; i + 1 < x->count; i++) rows->count *= x->dims[i];
  if (rows->update) TRY(make_output(product->api, context, SUM, x->dims, x->count, (void **)&rows->sum));
  x->dims[x->count - 1] = product->N;
  return make_output(product->api, context, Y, x->dims, x->count, (void **)&job->y);
}

static OrtStatus *ORT_CALL compute(void *state, OrtKernelContext *context) {
  const Kernel *kernel = state;
  const Product *product = &kernel->product;
  const OrtApi *api = product->api;
  Job job = {.product = product, .piece_tiles = tiles_in_piece(product)};
  Tensor x, gain, update;
  TRY(read_input(api, context, X, &x));
  TRY(read_weights(product, context, WEIGHTS, &job.weights));
  TRY(read_weights(product, context, UP_WEIGHTS, &job.up));
  TRY(read_input(api, context, GAIN, &gain));
  TRY(read_input(api, context, UPDATE, &update));
  if (x.count == 0 || x.dims[x.count - 1] != product->K) return refuse(api, "SkinnyMatMul: x must be [..., K]");
  if (gain.data && (gain.count != 1 || gain.dims[0] != product->K)) return refuse(api, "SkinnyMatMul: gain must be [K]");
  if (update.data && !is_shape(&update, x.count, x.dims)) return refuse(api, "SkinnyMatMul: update must be as x is");
  Rows rows = {.x = x.data, .update = update.data, .gain = gain.data, .epsilon = kernel->epsilon, .width = product->K};
  TRY(make_outputs(product, context, &x, &job, &rows));
  job.rows = rows.count;
  if (job.rows == 0) return NULL;
  if (!round_rows(product->kernels, &rows, &job.x)) return refuse(api, "SkinnyMatMul: no memory for the rounded rows");
  const int64_t pieces = (product->tiles + job.piece_tiles - 1) / job.piece_tiles;
  OrtStatus *status = run_on_threads(api, context, piece, (size_t)pieces, &job);
  free(job.x.scale);
  return status;
}

static OrtStatus *ORT_CALL create(const OrtCustomOp *op, const OrtApi *api, const OrtKernelInfo *info, void **out) {
  (void)op;
  Kernel kernel;
  TRY(read_product(api, info, "SkinnyMatMul", &kernel.product));
  kernel.epsilon = read_float_attribute(api, info, "epsilon", 0);
  return keep(api, &kernel, sizeof kernel, out);
}

static const char *ORT_CALL name(const OrtCustomOp *op) { return (void)op, "SkinnyMatMul"; }
static int ORT_CALL input_type(const OrtCustomOp *op, size_t i) {
  return (void)op, i == WEIGHTS || i == UP_WEIGHTS ? ORT_UINT8 : ORT_FLOAT;
}
static int ORT_CALL output_type(const OrtCustomOp *op, size_t i) { return (void)op, (void)i, ORT_FLOAT; }
static size_t ORT_CALL inputs(const OrtCustomOp *op) { return (void)op, INPUTS; }
static size_t ORT_CALL outputs(const OrtCustomOp *op) { return (void)op, OUTPUTS; }
static int ORT_CALL input_kind(const OrtCustomOp *op, size_t i) {
  return (void)op, i > WEIGHTS ? ORT_OPTIONAL : ORT_REQUIRED;
}
static int ORT_CALL output_kind(const OrtCustomOp *op, size_t i) { return (void)op, i > Y ? ORT_OPTIONAL : ORT_REQUIRED; }

const OrtCustomOp skinny_matmul = {
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
