// The operator VocabHead.
#ifndef FORETOKEN_VOCAB_HEAD_H
#define FORETOKEN_VOCAB_HEAD_H

#include "ort.h"

extern const OrtCustomOp vocab_head;

#endif
