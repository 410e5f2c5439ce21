// Whether kernels give the plain ones' bits.
#ifndef FORETOKEN_AGREE_H
#define FORETOKEN_AGREE_H

#include "attention_pass.h"

// Whether the kernels, and those for attention and caches that go with them, give the plain ones' bits here: an emulator, a
// compiler for a platform that nobody tried, or a new CPU may do otherwise.
int kernels_agree(const Kernels *kernels);

// The same of the attention kernels alone.
int attention_agrees(const AttentionKernels *kernels);

#endif
