// Which kernels this CPU can run.
#include <stdlib.h>
#include <string.h>

#include "agree.h"
#include "product.h"

#if defined(__x86_64__)
#include <cpuid.h>

// Intel SDM, volume 2, CPUID; the operating system must keep the wide registers too (XCR0).
enum { XMM_YMM = 6, XMM_TO_ZMM = 0xe6 };

static uint32_t kept_registers(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

static int runs(const Kernels *kernels) {
  if (kernels == &plain_kernels) return 1;
  uint32_t a, b, c, d, b7, c7, a71 = 0, unused;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  const int avx = c >> 27 & c >> 28 & 1;
  const int fma_f16c = c >> 12 & c >> 29 & 1;
  if (!avx || !fma_f16c || (kept_registers() & XMM_YMM) != XMM_YMM) return 0;
  if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d)) return 0;
  if (!(b7 >> 5 & 1)) return 0;
  if (kernels == &avx2_kernels) return 1;
  if (kernels == &avx_vnni_kernels) return a >= 1 && __get_cpuid_count(7, 1, &a71, &b, &unused, &d) && (a71 >> 4 & 1);
  const int avx512 = b7 >> 16 & b7 >> 30 & b7 >> 31 & 1;
  return avx512 && (c7 >> 11 & 1) && (kept_registers() & XMM_TO_ZMM) == XMM_TO_ZMM;
}

static const Kernels *const all[] = {&avx512_vnni_kernels, &avx_vnni_kernels, &avx2_kernels, &plain_kernels};

#elif defined(__aarch64__)

#if defined(__linux__)
#include <sys/auxv.h>
enum { HAS_DOT_PRODUCT = 1 << 20 }; // HWCAP_ASIMDDP
static int has_dot_product(void) { return (getauxval(AT_HWCAP) & HAS_DOT_PRODUCT) != 0; }
#else
// Every Mac with an ARM processor has it.
static int has_dot_product(void) { return 1; }
#endif

static int runs(const Kernels *kernels) { return kernels == &plain_kernels || has_dot_product(); }
static const Kernels *const all[] = {&neon_kernels, &plain_kernels};

#else

static int runs(const Kernels *kernels) { return kernels == &plain_kernels; }
static const Kernels *const all[] = {&plain_kernels};

#endif

const Kernels *choose_kernels(void) {
  static const Kernels *chosen;
  const Kernels *known = __atomic_load_n(&chosen, __ATOMIC_ACQUIRE);
  if (known) return known;
  const char *wanted = getenv("FORETOKEN_KERNELS");
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    // Plain C is for tests: where nothing better runs, ONNX Runtime's own operators are many times faster.
    const int named = wanted && *wanted ? strcmp(wanted, all[i]->name) == 0 : all[i] != &plain_kernels;
    if (!named) continue;
    if (!runs(all[i]) || !kernels_agree(all[i])) continue;
    __atomic_store_n(&chosen, all[i], __ATOMIC_RELEASE);
    return all[i];
  }
  return NULL;
}
