// The operator TreeAttention.
#ifndef FORETOKEN_TREE_ATTENTION_H
#define FORETOKEN_TREE_ATTENTION_H

#include "ort.h"

extern const OrtCustomOp tree_attention;

#endif
