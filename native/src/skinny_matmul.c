// SkinnyMatMul: y [..., N] = x [..., K] W^T + bias for few rows, with W in blocks of 32 (product.h).
//
// Inputs: x f32 [..., K]; weights u8 [ceil(N / 16), ceil(K / 32), 320 (4 bits) or 544 (8 bits)]; bias f32 [N], optional.
// Attributes: K, N, bits (4 or 8). Output: y f32 [..., N]. Work is split over ONNX Runtime's own threads, by tiles.
#include "skinny_matmul.h"

#include <stdlib.h>
#include <string.h>

#include "operator.h"
#include "product.h"

// Bytes of weights in a piece of work: long enough to be worth handing out, short enough to spread evenly.
enum { PIECE_BYTES = 24 << 10 };
// How far ahead one group of rows fetches: a thread's reads of one tile after the other outrun the hardware's own guesses.
enum { AHEAD = 4096 };

typedef struct {
  const OrtApi *api;
  const Kernels *kernels;
  int64_t K, N, bits;
} Kernel;

typedef struct {
  const Kernel *kernel;
  const uint8_t *weights;
  const float *bias;
  float *y;
  Rounded x;
  int64_t rows, tiles, tiles_in_piece, tile_bytes;
} Job;

// All rows with the tiles of one piece.
static void piece(void *data, size_t i) {
  const Job *job = data;
  const Kernels *kernels = job->kernel->kernels;
  const TileProduct *products = job->kernel->bits == 4 ? kernels->product4 : kernels->product8;
  const int64_t N = job->kernel->N;
  const int64_t end = ((int64_t)i + 1) * job->tiles_in_piece;
  for (int64_t tile = (int64_t)i * job->tiles_in_piece; tile < end && tile < job->tiles; tile++) {
    const uint8_t *weights = job->weights + tile * job->tile_bytes;
    const int64_t column = tile * TILE;
    const int64_t columns = N - column < TILE ? N - column : TILE;
    // Groups of equal size: 5 rows are 3 and 2, not 4 and 1.
    int64_t groups = (job->rows + kernels->rows - 1) / kernels->rows;
    // One group waits for memory. The last of several computes longer than that: it fetches the next tile meanwhile.
    const int64_t last_ahead = groups == 1 ? AHEAD : job->tile_bytes;
    for (int64_t row = 0; row < job->rows; groups--) {
      const int64_t count = (job->rows - row + groups - 1) / groups;
      float sums[MOST_ROWS * TILE];
      products[count](weights, &job->x, row, groups == 1 ? last_ahead : 0, sums);
      for (int64_t r = 0; r < count; r++) {
        float *y = job->y + (row + r) * N + column;
        const float *from = sums + r * TILE;
        if (!job->bias) memcpy(y, from, (size_t)columns * sizeof(float));
        else for (int64_t j = 0; j < columns; j++) y[j] = from[j] + job->bias[column + j];
      }
      row += count;
    }
  }
}

static OrtStatus *multiply(OrtKernelContext *context, Job *job, const float *x) {
  const Kernel *kernel = job->kernel;
  const OrtApi *api = kernel->api;
  const size_t blocks = (size_t)job->rows * (size_t)job->x.blocks;
  // One piece of memory: 32-bit numbers first, so that all of it is aligned.
  uint8_t *memory = malloc(blocks * (sizeof(float) * 2 + sizeof(int32_t) + BLOCK));
  if (!memory) return refuse(api, "SkinnyMatMul: no memory for the rounded rows");
  job->x.scale = (float *)memory;
  job->x.weighted = job->x.scale + blocks;
  job->x.sum = (int32_t *)(job->x.weighted + blocks);
  job->x.q = (int8_t *)(job->x.sum + blocks);
  for (int64_t row = 0; row < job->rows; row++) kernel->kernels->round(x + row * kernel->K, kernel->K, &job->x, row);
  const int64_t pieces = (job->tiles + job->tiles_in_piece - 1) / job->tiles_in_piece;
  OrtStatus *status = NULL;
  if (pieces == 1) piece(job, 0);
  else status = ORT(api, ORT_KERNEL_CONTEXT_PARALLEL_FOR, OrtKernelContextParallelFor)(context, piece, (size_t)pieces, 0, job);
  free(memory);
  return status;
}

static OrtStatus *ORT_CALL compute(void *state, OrtKernelContext *context) {
  const Kernel *kernel = state;
  const OrtApi *api = kernel->api;
  const int64_t K = kernel->K, N = kernel->N;
  const int64_t block_bytes = kernel->bits == 4 ? TILE4_BYTES : TILE8_BYTES;
  Tensor x, weights, bias;
  TRY(read_input(api, context, 0, &x));
  TRY(read_input(api, context, 1, &weights));
  TRY(read_input(api, context, 2, &bias));
  if (x.count == 0 || x.dims[x.count - 1] != K) return refuse(api, "SkinnyMatMul: x must be [..., K]");
  Job job = {.kernel = kernel, .weights = weights.data, .bias = bias.data, .rows = 1, .tiles = (N + TILE - 1) / TILE};
  job.x.blocks = (K + BLOCK - 1) / BLOCK;
  if (weights.count != 3 || weights.dims[0] != job.tiles || weights.dims[1] != job.x.blocks ||
      weights.dims[2] != block_bytes)
    return refuse(api, "SkinnyMatMul: weights must be [ceil(N / 16), ceil(K / 32), 320 for 4 bits or 544 for 8]");
  if (bias.data && (bias.count != 1 || bias.dims[0] != N)) return refuse(api, "SkinnyMatMul: bias must be [N]");
  for (size_t i = 0; i + 1 < x.count; i++) job.rows *= x.dims[i];
  x.dims[x.count - 1] = N;
  TRY(make_output(api, context, x.dims, x.count, &job.y));
  if (job.rows == 0) return NULL;
  job.tile_bytes = job.x.blocks * block_bytes;
  job.tiles_in_piece = 1 + PIECE_BYTES / job.tile_bytes;
  return multiply(context, &job, x.data);
}

static OrtStatus *ORT_CALL create(const OrtCustomOp *op, const OrtApi *api, const OrtKernelInfo *info, void **out) {
  (void)op;
  Kernel kernel = {.api = api, .kernels = choose_kernels()};
  TRY(read_attribute(api, info, "K", &kernel.K));
  TRY(read_attribute(api, info, "N", &kernel.N));
  TRY(read_attribute(api, info, "bits", &kernel.bits));
  const int64_t most = 1 << 30;
  if (kernel.K < 1 || kernel.N < 1 || kernel.K > most || kernel.N > most || (kernel.bits != 4 && kernel.bits != 8))
    return refuse(api, "SkinnyMatMul: K and N must be positive, bits 4 or 8");
  if (!kernel.kernels) return refuse(api, "SkinnyMatMul: FORETOKEN_KERNELS names kernels that do not run on this CPU");
  Kernel *kept = malloc(sizeof *kept);
  if (!kept) return refuse(api, "SkinnyMatMul: no memory");
  *kept = kernel;
  *out = kept;
  return NULL;
}

static const char *ORT_CALL name(const OrtCustomOp *op) { return (void)op, "SkinnyMatMul"; }
static int ORT_CALL input_type(const OrtCustomOp *op, size_t i) { return (void)op, i == 1 ? ORT_UINT8 : ORT_FLOAT; }
static int ORT_CALL output_type(const OrtCustomOp *op, size_t i) { return (void)op, (void)i, ORT_FLOAT; }
static size_t ORT_CALL inputs(const OrtCustomOp *op) { return (void)op, 3; }
static size_t ORT_CALL outputs(const OrtCustomOp *op) { return (void)op, 1; }
static int ORT_CALL kind(const OrtCustomOp *op, size_t i) { return (void)op, i == 2 ? ORT_OPTIONAL : ORT_REQUIRED; }

const OrtCustomOp skinny_matmul = {
    .version = ORT_API_VERSION,
    .GetName = name,
    .GetExecutionProviderType = operator_provider,
    .GetInputType = input_type,
    .GetInputTypeCount = inputs,
    .GetOutputType = output_type,
    .GetOutputTypeCount = outputs,
    .KernelDestroy = operator_destroy,
    .GetInputCharacteristic = kind,
    .GetOutputCharacteristic = kind,
    .GetInputMemoryType = operator_memory,
    .CreateKernelV2 = create,
    .KernelComputeV2 = compute,
    .GetStartVersion = operator_version,
    .GetEndVersion = operator_version,
};
