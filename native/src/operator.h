// What the operators share: reading inputs, attributes and shapes, making outputs, refusing.
#ifndef FORETOKEN_OPERATOR_H
#define FORETOKEN_OPERATOR_H

#include "ort.h"

enum { MOST_DIMS = 8 };

// An input; `data` is NULL where an optional one is absent.
typedef struct {
  int64_t dims[MOST_DIMS];
  size_t count;
  int type; // ONNXTensorElementDataType
  void *data;
} Tensor;

#define TRY(call)                  \
  do {                             \
    OrtStatus *status_ = (call);   \
    if (status_) return status_;   \
  } while (0)

OrtStatus *refuse(const OrtApi *api, const char *message);
OrtStatus *read_input(const OrtApi *api, OrtKernelContext *context, size_t i, Tensor *to);
OrtStatus *read_attribute(const OrtApi *api, const OrtKernelInfo *info, const char *name, int64_t *to);
float read_float_attribute(const OrtApi *api, const OrtKernelInfo *info, const char *name, float otherwise);
OrtStatus *make_output(const OrtApi *api, OrtKernelContext *context, size_t i, const int64_t *dims, size_t count,
                       void **data);
int is_shape(const Tensor *tensor, size_t count, const int64_t *dims);
// Does `total` pieces of work on ONNX Runtime's own threads.
OrtStatus *run_on_threads(const OrtApi *api, OrtKernelContext *context, void (*work)(void *data, size_t i), size_t total,
                          void *data);
// A copy of a kernel's state, which operator_destroy frees.
OrtStatus *keep(const OrtApi *api, const void *state, size_t bytes, void **out);

// Members that are the same for all operators: their kernels' state is one piece of memory, and they run on the CPU.
void ORT_CALL operator_destroy(void *state);
const char *ORT_CALL operator_provider(const OrtCustomOp *op);
int ORT_CALL operator_memory(const OrtCustomOp *op, size_t i);
int ORT_CALL operator_version(const OrtCustomOp *op);

#define OPERATOR_ON_CPU                                                                                                \
  .version = ORT_API_VERSION, .GetExecutionProviderType = operator_provider, .KernelDestroy = operator_destroy,        \
  .GetInputMemoryType = operator_memory, .GetStartVersion = operator_version, .GetEndVersion = operator_version

#endif
