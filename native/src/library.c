// What ONNX Runtime and Foretoken call: the operators of the domain "foretoken".
#include "ort.h"
#include "product.h"
#include "sessions.h"
#include "skinny_matmul.h"
#include "tree_attention.h"
#include "vocab_head.h"

// Adds the operators to a session's options. Refuses a runtime without the API that they were built for.
EXPORTED OrtStatus *ORT_CALL RegisterCustomOps(OrtSessionOptions *options, const OrtApiBase *base) {
  // The domain is shared by all sessions and lives as long as the process.
  static OrtCustomOpDomain *domain;
  const OrtApi *api = base->GetApi(ORT_API_VERSION);
  if (!api) {
    // Statuses are made by the first member of every version's table.
    const OrtApi *any = base->GetApi(1);
    return ORT(any, ORT_CREATE_STATUS, OrtCreateStatus)(ORT_FAIL, "the operators need ONNX Runtime 1.30 or later");
  }
  sessions_use(api);
  OrtCustomOpDomain *shared = __atomic_load_n(&domain, __ATOMIC_ACQUIRE);
  if (!shared) {
    OrtCustomOpDomain *made = NULL;
    OrtStatus *status = ORT(api, ORT_CREATE_CUSTOM_OP_DOMAIN, OrtCreateCustomOpDomain)("foretoken", &made);
    if (!status) status = ORT(api, ORT_CUSTOM_OP_DOMAIN_ADD, OrtCustomOpDomainAdd)(made, &skinny_matmul);
    if (!status) status = ORT(api, ORT_CUSTOM_OP_DOMAIN_ADD, OrtCustomOpDomainAdd)(made, &tree_attention);
    if (!status) status = ORT(api, ORT_CUSTOM_OP_DOMAIN_ADD, OrtCustomOpDomainAdd)(made, &vocab_head);
    if (status) {
      if (made) ORT(api, ORT_RELEASE_CUSTOM_OP_DOMAIN, OrtReleaseCustomOpDomain)(made);
      return status;
    }
    // Worker threads may come here at the same time: the first one's domain is kept.
    const int first = __atomic_compare_exchange_n(&domain, &shared, made, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    if (first) shared = made;
    else ORT(api, ORT_RELEASE_CUSTOM_OP_DOMAIN, OrtReleaseCustomOpDomain)(made);
  }
  return ORT(api, ORT_ADD_CUSTOM_OP_DOMAIN, OrtAddCustomOpDomain)(options, shared);
}

// The name of the kernels that run on this CPU, or that FORETOKEN_KERNELS names; NULL where there are none.
EXPORTED const char *ForetokenKernels(void) {
  const Kernels *kernels = choose_kernels();
  return kernels ? kernels->name : 0;
}
