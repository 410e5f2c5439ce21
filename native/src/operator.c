#include "operator.h"

#include <stdlib.h>
#include <string.h>

OrtStatus *refuse(const OrtApi *api, const char *message) {
  return ORT(api, ORT_CREATE_STATUS, OrtCreateStatus)(ORT_INVALID_ARGUMENT, message);
}

static OrtStatus *read_shape(const OrtApi *api, const OrtValue *value, Tensor *to) {
  OrtTensorTypeAndShapeInfo *info = NULL;
  TRY(ORT(api, ORT_GET_TENSOR_TYPE_AND_SHAPE, OrtGetTensorTypeAndShape)(value, &info));
  OrtStatus *status = ORT(api, ORT_GET_DIMENSIONS_COUNT, OrtGetDimensionsCount)(info, &to->count);
  if (!status && to->count > MOST_DIMS) status = refuse(api, "an input has more than 8 dimensions");
  if (!status) status = ORT(api, ORT_GET_DIMENSIONS, OrtGetDimensions)(info, to->dims, to->count);
  if (!status) status = ORT(api, ORT_GET_TENSOR_ELEMENT_TYPE, OrtGetTensorElementType)(info, &to->type);
  ORT(api, ORT_RELEASE_INFO, OrtReleaseInfo)(info);
  return status;
}

OrtStatus *read_input(const OrtApi *api, OrtKernelContext *context, size_t i, Tensor *to) {
  const OrtValue *value = NULL;
  *to = (Tensor){.data = NULL};
  TRY(ORT(api, ORT_KERNEL_CONTEXT_GET_INPUT, OrtKernelContextGetInput)(context, i, &value));
  if (!value) return NULL;
  TRY(read_shape(api, value, to));
  return ORT(api, ORT_GET_TENSOR_MUTABLE_DATA, OrtGetTensorMutableData)((OrtValue *)value, &to->data);
}

OrtStatus *read_attribute(const OrtApi *api, const OrtKernelInfo *info, const char *name, int64_t *to) {
  return ORT(api, ORT_KERNEL_INFO_GET_ATTRIBUTE_INT, OrtKernelInfoGetAttributeInt)(info, name, to);
}

float read_float_attribute(const OrtApi *api, const OrtKernelInfo *info, const char *name, float otherwise) {
  float value;
  OrtStatus *missing =
      ORT(api, ORT_KERNEL_INFO_GET_ATTRIBUTE_FLOAT, OrtKernelInfoGetAttributeFloat)(info, name, &value);
  if (!missing) return value;
  ORT(api, ORT_RELEASE_STATUS, OrtReleaseStatus)(missing);
  return otherwise;
}

OrtStatus *make_output(const OrtApi *api, OrtKernelContext *context, size_t i, const int64_t *dims, size_t count,
                       void **data) {
  OrtValue *output = NULL;
  TRY(ORT(api, ORT_KERNEL_CONTEXT_GET_OUTPUT, OrtKernelContextGetOutput)(context, i, dims, count, &output));
  if (!output) return refuse(api, "an output that there is something for is not named");
  return ORT(api, ORT_GET_TENSOR_MUTABLE_DATA, OrtGetTensorMutableData)(output, data);
}

int is_shape(const Tensor *tensor, size_t count, const int64_t *dims) {
  return tensor->count == count && memcmp(tensor->dims, dims, count * sizeof *dims) == 0;
}

OrtStatus *run_on_threads(const OrtApi *api, OrtKernelContext *context, void (*work)(void *data, size_t i), size_t total,
                          void *data) {
  if (total == 1) return work(data, 0), NULL;
  return ORT(api, ORT_KERNEL_CONTEXT_PARALLEL_FOR, OrtKernelContextParallelFor)(context, work, total, 0, data);
}

OrtStatus *keep(const OrtApi *api, const void *state, size_t bytes, void **out) {
  void *kept = malloc(bytes);
  if (!kept) return refuse(api, "no memory for an operator");
  *out = memcpy(kept, state, bytes);
  return NULL;
}

void ORT_CALL operator_destroy(void *state) { free(state); }
const char *ORT_CALL operator_provider(const OrtCustomOp *op) { return (void)op, NULL; }
int ORT_CALL operator_memory(const OrtCustomOp *op, size_t i) { return (void)op, (void)i, 0; }
int ORT_CALL operator_version(const OrtCustomOp *op) { return (void)op, 1; }
