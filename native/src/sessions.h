// Sessions that are released with the thread that opened them.
#ifndef FORETOKEN_SESSIONS_H
#define FORETOKEN_SESSIONS_H

#include "ort.h"

// The API that sessions are released with.
void sessions_use(const OrtApi *used);

// Called by Foretoken on the thread that opened a session: it is to be released when the thread ends, or no more.
EXPORTED void ForetokenOwn(OrtSession *session);
EXPORTED void ForetokenDisown(OrtSession *session);

#endif
