// TreeAttention: causal attention over rows of token trees, with keys and values in pages of a shared pool
// (attention.h).
//
// Attributes: num_heads H, kv_num_heads G, a divisor of H. D channels: a multiple of 8 from 8 to 256.
// Inputs: qkv f32 [1, R, (H + 2 G) D]; cos, sin f32 [M, D / 2]; rows i32 [R, 5] (Row in attention_pass.h);
// ancestors i32 [A]; pages i32 [S, T]; keys, values [N, G, P, V], the pool, which the rows' own keys and values are
// written into: f32, V = D; u16, the bits of 16-bit floats, V = D; or i8, V = D + 4, the last 4 a scale (narrow.h). (With inputs of
// 16-bit floats ONNX Runtime may put casts before an operator, and what it writes would be lost.)
// Output: y f32 [1, R, H D]. Work is split over ONNX Runtime's own threads.
#include "tree_attention.h"

#include <stdio.h>

#include "attention_pass.h"
#include "operator.h"
#include "product.h"

enum { QKV, COS, SIN, ROWS, ANCESTORS, PAGES, KEYS, VALUES, INPUTS };

typedef struct {
  const OrtApi *api;
  const AttentionKernels *kernels;
  int64_t H, G;
} Kernel;

// The threads of a call, and what went wrong with them.
typedef struct {
  const OrtApi *api;
  OrtKernelContext *context;
  OrtStatus *status;
} Threads;

static int on_threads(void *context, void (*work)(void *data, size_t i), size_t total, void *data) {
  Threads *threads = context;
  threads->status = run_on_threads(threads->api, threads->context, work, total, data);
  return !threads->status;
}

static OrtStatus *refuse_because(const OrtApi *api, const char *reason) {
  char message[160];
  snprintf(message, sizeof message, "TreeAttention: %s", reason);
  return refuse(api, message);
}

// What is wrong with the pool's type; otherwise NULL, and the pass holds it.
static const char *read_type(const Tensor *in, Pass *pass) {
  const int type = in[KEYS].type;
  if (in[VALUES].type != type || (type != ORT_FLOAT && type != ORT_UINT16 && type != ORT_INT8))
    return "keys and values must both be f32, u16 (the bits of 16-bit floats) or i8";
  pass->type = type == ORT_FLOAT ? CACHE_FLOATS : type == ORT_UINT16 ? CACHE_HALVES : CACHE_BYTES;
  return NULL;
}

// What is wrong with the inputs' shapes; otherwise NULL, and the pass holds them.
static const char *read_shapes(const Tensor *in, Pass *pass) {
  const int64_t H = pass->heads, G = pass->kv_heads;
  if (in[QKV].count != 3 || in[QKV].dims[0] != 1) return "qkv must be [1, rows, channels]";
  const int64_t R = pass->row_count = in[QKV].dims[1], D = pass->dim = in[QKV].dims[2] / (H + 2 * G);
  if (in[QKV].dims[2] != (H + 2 * G) * D || D < 8 || D > MOST_CHANNELS || D % 8 != 0)
    return "qkv's channels must be (num_heads + 2 kv_num_heads) times a multiple of 8 up to 256";
  const int64_t M = pass->positions = in[COS].count == 2 ? in[COS].dims[0] : 0;
  const int64_t tables[] = {M, D / 2};
  if (!is_shape(&in[COS], 2, tables) || !is_shape(&in[SIN], 2, tables))
    return "cos and sin must be [positions, half a head's channels]";
  if (!is_shape(&in[ROWS], 2, (const int64_t[]){R, 5})) return "rows must be [rows, 5]";
  if (in[ANCESTORS].count != 1) return "ancestors must have one dimension";
  pass->ancestor_count = in[ANCESTORS].dims[0];
  if (in[PAGES].count != 2) return "pages must be [sequences, pages of each]";
  pass->sequences = in[PAGES].dims[0];
  pass->sequence_pages = in[PAGES].dims[1];
  if (in[KEYS].count != 4 || in[KEYS].dims[2] < 1)
    return "keys must be [pages, kv_num_heads, slots of a page, channels]";
  pass->pages = in[KEYS].dims[0];
  pass->page_slots = in[KEYS].dims[2];
  const int64_t pool[] = {pass->pages, G, pass->page_slots, vector_numbers(pass->type, D)};
  if (!is_shape(&in[KEYS], 4, pool) || !is_shape(&in[VALUES], 4, pool))
    return "keys and values must be [pages, kv_num_heads, slots of a page, channels], for i8 channels + 4";
  return NULL;
}

static OrtStatus *ORT_CALL compute(void *state, OrtKernelContext *context) {
  const Kernel *kernel = state;
  const OrtApi *api = kernel->api;
  Tensor in[INPUTS];
  for (size_t i = 0; i < INPUTS; i++) TRY(read_input(api, context, i, &in[i]));
  Pass pass = {.heads = kernel->H, .kv_heads = kernel->G};
  const char *wrong = read_type(in, &pass);
  if (!wrong) wrong = read_shapes(in, &pass);
  if (wrong) return refuse_because(api, wrong);
  pass.qkv = in[QKV].data;
  pass.cos = in[COS].data;
  pass.sin = in[SIN].data;
  pass.rows = in[ROWS].data;
  pass.ancestors = in[ANCESTORS].data;
  pass.tables = in[PAGES].data;
  pass.keys = in[KEYS].data;
  pass.values = in[VALUES].data;
  wrong = check_pass(&pass);
  if (wrong) return refuse_because(api, wrong);
  const int64_t dims[] = {1, pass.row_count, pass.heads * pass.dim};
  TRY(make_output(api, context, 0, dims, 3, (void **)&pass.y));
  Threads threads = {.api = api, .context = context};
  wrong = run_pass(&pass, kernel->kernels, (ParallelFor){on_threads, &threads});
  if (threads.status) return threads.status;
  return wrong ? refuse_because(api, wrong) : NULL;
}

static OrtStatus *ORT_CALL create(const OrtCustomOp *op, const OrtApi *api, const OrtKernelInfo *info, void **out) {
  (void)op;
  const Kernels *kernels = choose_kernels();
  if (!kernels) return refuse_because(api, "FORETOKEN_KERNELS names kernels that do not run on this CPU");
  Kernel kernel = {.api = api, .kernels = attention_kernels(kernels)};
  TRY(read_attribute(api, info, "num_heads", &kernel.H));
  TRY(read_attribute(api, info, "kv_num_heads", &kernel.G));
  const int64_t most = 1 << 16;
  if (kernel.G < 1 || kernel.H < 1 || kernel.H > most || kernel.H % kernel.G != 0)
    return refuse_because(api, "num_heads and kv_num_heads must be positive, the first a multiple of the second");
  return keep(api, &kernel, sizeof kernel, out);
}

static const char *ORT_CALL name(const OrtCustomOp *op) { return (void)op, "TreeAttention"; }
static int ORT_CALL input_type(const OrtCustomOp *op, size_t i) {
  return (void)op, i == ROWS || i == ANCESTORS || i == PAGES ? ORT_INT32 : i == KEYS || i == VALUES ? ORT_ANY : ORT_FLOAT;
}
static int ORT_CALL output_type(const OrtCustomOp *op, size_t i) { return (void)op, (void)i, ORT_FLOAT; }
static size_t ORT_CALL inputs(const OrtCustomOp *op) { return (void)op, INPUTS; }
static size_t ORT_CALL outputs(const OrtCustomOp *op) { return (void)op, 1; }
static int ORT_CALL kind(const OrtCustomOp *op, size_t i) { return (void)op, (void)i, ORT_REQUIRED; }

const OrtCustomOp tree_attention = {
    OPERATOR_ON_CPU,
    .GetName = name,
    .GetInputType = input_type,
    .GetInputTypeCount = inputs,
    .GetInputCharacteristic = kind,
    .GetOutputType = output_type,
    .GetOutputTypeCount = outputs,
    .GetOutputCharacteristic = kind,
    .CreateKernelV2 = create,
    .KernelComputeV2 = compute,
};
