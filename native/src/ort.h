// The part of ONNX Runtime's C interface that the operators use (API 30; facts from onnxruntime_c_api.h). OrtApi is a table
// of function pointers that only ever grows: functions are taken from it by their place.
#ifndef FORETOKEN_ORT_H
#define FORETOKEN_ORT_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define ORT_CALL __stdcall
#define EXPORTED __declspec(dllexport)
#else
#define ORT_CALL
#define EXPORTED __attribute__((visibility("default")))
#endif

enum { ORT_API_VERSION = 30 };

// OrtErrorCode
enum { ORT_FAIL = 1, ORT_INVALID_ARGUMENT = 2 };
// ONNXTensorElementDataType
// (ORT_ANY of an operator's input: it takes all types.)
enum { ORT_ANY = 0, ORT_FLOAT = 1, ORT_UINT8 = 2, ORT_INT8 = 3, ORT_UINT16 = 4, ORT_INT32 = 6, ORT_INT64 = 7 };
// OrtCustomOpInputOutputCharacteristic
enum { ORT_REQUIRED = 0, ORT_OPTIONAL = 1 };

typedef struct OrtSession OrtSession;
typedef struct OrtStatus OrtStatus;
typedef struct OrtValue OrtValue;
typedef struct OrtKernelInfo OrtKernelInfo;
typedef struct OrtKernelContext OrtKernelContext;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;
typedef struct OrtCustomOpDomain OrtCustomOpDomain;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtShapeInferContext OrtShapeInferContext;
typedef struct OrtCustomOp OrtCustomOp;

// A table of functions; OrtApi's first member stands at place 0.
typedef struct OrtApi OrtApi;

typedef struct {
  const OrtApi *(ORT_CALL *GetApi)(uint32_t version);
  const char *(ORT_CALL *GetVersionString)(void);
} OrtApiBase;

// Calls the function at `place` of the table, which has the given type.
#define ORT(api, place, type) ((type)((void *const *)(api))[place])

typedef OrtStatus *(ORT_CALL *OrtCreateStatus)(int code, const char *message);
typedef OrtStatus *(ORT_CALL *OrtCreateCustomOpDomain)(const char *name, OrtCustomOpDomain **out);
typedef OrtStatus *(ORT_CALL *OrtCustomOpDomainAdd)(OrtCustomOpDomain *domain, const OrtCustomOp *op);
typedef OrtStatus *(ORT_CALL *OrtAddCustomOpDomain)(OrtSessionOptions *options, OrtCustomOpDomain *domain);
typedef OrtStatus *(ORT_CALL *OrtGetTensorMutableData)(OrtValue *value, void **out);
typedef OrtStatus *(ORT_CALL *OrtGetTensorElementType)(const OrtTensorTypeAndShapeInfo *info, int *out);
typedef OrtStatus *(ORT_CALL *OrtGetDimensionsCount)(const OrtTensorTypeAndShapeInfo *info, size_t *out);
typedef OrtStatus *(ORT_CALL *OrtGetDimensions)(const OrtTensorTypeAndShapeInfo *info, int64_t *dims, size_t count);
typedef OrtStatus *(ORT_CALL *OrtGetTensorTypeAndShape)(const OrtValue *value, OrtTensorTypeAndShapeInfo **out);
typedef OrtStatus *(ORT_CALL *OrtKernelInfoGetAttributeFloat)(const OrtKernelInfo *info, const char *name, float *out);
typedef OrtStatus *(ORT_CALL *OrtKernelInfoGetAttributeInt)(const OrtKernelInfo *info, const char *name, int64_t *out);
typedef OrtStatus *(ORT_CALL *OrtKernelContextGetInput)(const OrtKernelContext *context, size_t i, const OrtValue **out);
typedef OrtStatus *(ORT_CALL *OrtKernelContextGetOutput)(OrtKernelContext *context, size_t i, const int64_t *dims,
                                                         size_t count, OrtValue **out);
typedef void(ORT_CALL *OrtReleaseCustomOpDomain)(OrtCustomOpDomain *domain);
typedef void(ORT_CALL *OrtReleaseSession)(OrtSession *session);
typedef void(ORT_CALL *OrtReleaseStatus)(OrtStatus *status);
typedef void(ORT_CALL *OrtReleaseInfo)(OrtTensorTypeAndShapeInfo *info);
typedef OrtStatus *(ORT_CALL *OrtKernelContextParallelFor)(const OrtKernelContext *context,
                                                           void (*work)(void *data, size_t i), size_t total,
                                                           size_t batches, void *data);

// Places in OrtApi.
enum {
  ORT_CREATE_STATUS = 0,
  ORT_CREATE_CUSTOM_OP_DOMAIN = 26,
  ORT_CUSTOM_OP_DOMAIN_ADD = 27,
  ORT_ADD_CUSTOM_OP_DOMAIN = 28,
  ORT_GET_TENSOR_MUTABLE_DATA = 51,
  ORT_GET_TENSOR_ELEMENT_TYPE = 60,
  ORT_GET_DIMENSIONS_COUNT = 61,
  ORT_GET_DIMENSIONS = 62,
  ORT_GET_TENSOR_TYPE_AND_SHAPE = 65,
  ORT_KERNEL_INFO_GET_ATTRIBUTE_FLOAT = 85,
  ORT_KERNEL_INFO_GET_ATTRIBUTE_INT = 86,
  ORT_KERNEL_CONTEXT_GET_INPUT = 90,
  ORT_KERNEL_CONTEXT_GET_OUTPUT = 91,
  ORT_RELEASE_STATUS = 93,
  ORT_RELEASE_SESSION = 95,
  ORT_RELEASE_INFO = 99,
  ORT_RELEASE_CUSTOM_OP_DOMAIN = 101,
  ORT_KERNEL_CONTEXT_PARALLEL_FOR = 274,
};

// What an operator tells of itself; `version` says how many of the members ONNX Runtime reads.
struct OrtCustomOp {
  uint32_t version;
  void *(ORT_CALL *CreateKernel)(const OrtCustomOp *op, const OrtApi *api, const OrtKernelInfo *info);
  const char *(ORT_CALL *GetName)(const OrtCustomOp *op);
  const char *(ORT_CALL *GetExecutionProviderType)(const OrtCustomOp *op);
  int(ORT_CALL *GetInputType)(const OrtCustomOp *op, size_t i);
  size_t(ORT_CALL *GetInputTypeCount)(const OrtCustomOp *op);
  int(ORT_CALL *GetOutputType)(const OrtCustomOp *op, size_t i);
  size_t(ORT_CALL *GetOutputTypeCount)(const OrtCustomOp *op);
  void(ORT_CALL *KernelCompute)(void *kernel, OrtKernelContext *context);
  void(ORT_CALL *KernelDestroy)(void *kernel);
  int(ORT_CALL *GetInputCharacteristic)(const OrtCustomOp *op, size_t i);
  int(ORT_CALL *GetOutputCharacteristic)(const OrtCustomOp *op, size_t i);
  int(ORT_CALL *GetInputMemoryType)(const OrtCustomOp *op, size_t i);
  int(ORT_CALL *GetVariadicInputMinArity)(const OrtCustomOp *op);
  int(ORT_CALL *GetVariadicInputHomogeneity)(const OrtCustomOp *op);
  int(ORT_CALL *GetVariadicOutputMinArity)(const OrtCustomOp *op);
  int(ORT_CALL *GetVariadicOutputHomogeneity)(const OrtCustomOp *op);
  OrtStatus *(ORT_CALL *CreateKernelV2)(const OrtCustomOp *op, const OrtApi *api, const OrtKernelInfo *info,
                                        void **kernel);
  OrtStatus *(ORT_CALL *KernelComputeV2)(void *kernel, OrtKernelContext *context);
  OrtStatus *(ORT_CALL *InferOutputShape)(const OrtCustomOp *op, OrtShapeInferContext *context);
  int(ORT_CALL *GetStartVersion)(const OrtCustomOp *op);
  int(ORT_CALL *GetEndVersion)(const OrtCustomOp *op);
  size_t(ORT_CALL *GetMayInplace)(int **input, int **output);
  void(ORT_CALL *ReleaseMayInplace)(int *input, int *output);
  size_t(ORT_CALL *GetAliasMap)(int **input, int **output);
  void(ORT_CALL *ReleaseAliasMap)(int *input, int *output);
};

#endif
