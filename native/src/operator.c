#include "operator.h"

#include <stdlib.h>

OrtStatus *refuse(const OrtApi *api, const char *message) {
  return ORT(api, ORT_CREATE_STATUS, OrtCreateStatus)(ORT_INVALID_ARGUMENT, message);
}

static OrtStatus *read_shape(const OrtApi *api, const OrtValue *value, Tensor *to) {
  OrtTensorTypeAndShapeInfo *info = NULL;
  TRY(ORT(api, ORT_GET_TENSOR_TYPE_AND_SHAPE, OrtGetTensorTypeAndShape)(value, &info));
  OrtStatus *status = ORT(api, ORT_GET_DIMENSIONS_COUNT, OrtGetDimensionsCount)(info, &to->count);
  if (!status && to->count > MOST_DIMS) status = refuse(api, "an input has more than 8 dimensions");
  if (!status) status = ORT(api, ORT_GET_DIMENSIONS, OrtGetDimensions)(info, to->dims, to->count);
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

OrtStatus *make_output(const OrtApi *api, OrtKernelContext *context, const int64_t *dims, size_t count, float **data) {
  OrtValue *output = NULL;
  TRY(ORT(api, ORT_KERNEL_CONTEXT_GET_OUTPUT, OrtKernelContextGetOutput)(context, 0, dims, count, &output));
  return ORT(api, ORT_GET_TENSOR_MUTABLE_DATA, OrtGetTensorMutableData)(output, (void **)data);
}

void ORT_CALL operator_destroy(void *state) { free(state); }
const char *ORT_CALL operator_provider(const OrtCustomOp *op) { return (void)op, NULL; }
int ORT_CALL operator_memory(const OrtCustomOp *op, size_t i) { return (void)op, (void)i, 0; }
int ORT_CALL operator_version(const OrtCustomOp *op) { return (void)op, 1; }
