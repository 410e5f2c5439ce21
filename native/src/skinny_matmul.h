// The operator SkinnyMatMul.
#ifndef FORETOKEN_SKINNY_MATMUL_H
#define FORETOKEN_SKINNY_MATMUL_H

#include "ort.h"

extern const OrtCustomOp skinny_matmul;

#endif
