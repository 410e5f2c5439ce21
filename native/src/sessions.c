// Sessions of threads that end without a word: a worker thread of Node that is terminated runs no JavaScript any more. Its
// sessions are released when the thread itself ends, after the pass that it was in. Not on Windows, where nothing may be waited
// for at that moment.
#define _GNU_SOURCE
#include "sessions.h"

#if !defined(_WIN32)
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

typedef struct Owned {
  OrtSession *session;
  struct Owned *next;
} Owned;

// The sessions of a thread.
typedef struct {
  Owned *first;
} Thread;

static const OrtApi *api;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *release_all(void *data) {
  Thread *thread = data;
  while (thread->first) {
    Owned *owned = thread->first;
    thread->first = owned->next;
    ORT(api, ORT_RELEASE_SESSION, OrtReleaseSession)(owned->session);
    free(owned);
  }
  return NULL;
}

// In a thread of its own: in the one that ends, what ONNX Runtime keeps for threads is gone already.
static void end_of_thread(void *data) {
  pthread_t releasing;
  if (pthread_create(&releasing, NULL, release_all, data) == 0) pthread_join(releasing, NULL);
  free(data);
}

// The library that an address lies in stays, whoever closes it.
static void keep_library_of(const void *address) {
  Dl_info library;
  if (dladdr((void *)address, &library)) dlopen(library.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

static void start(void) {
  // Both are needed when threads end: a worker's handles of libraries are closed before that.
  keep_library_of(&once);
  keep_library_of(api);
  pthread_key_create(&key, end_of_thread);
}

void sessions_use(const OrtApi *used) { __atomic_store_n(&api, used, __ATOMIC_RELEASE); }

EXPORTED void ForetokenOwn(OrtSession *session) {
  pthread_once(&once, start);
  Thread *thread = pthread_getspecific(key);
  if (!thread) {
    thread = calloc(1, sizeof *thread);
    if (!thread || pthread_setspecific(key, thread) != 0) return free(thread);
  }
  Owned *owned = malloc(sizeof *owned);
  if (!owned) return;
  *owned = (Owned){session, thread->first};
  thread->first = owned;
}

EXPORTED void ForetokenDisown(OrtSession *session) {
  pthread_once(&once, start);
  Thread *thread = pthread_getspecific(key);
  if (!thread) return;
  for (Owned **at = &thread->first; *at; at = &(*at)->next) {
    if ((*at)->session != session) continue;
    Owned *owned = *at;
    *at = owned->next;
    return free(owned);
  }
}

#else

void sessions_use(const OrtApi *used) { (void)used; }
EXPORTED void ForetokenOwn(OrtSession *session) { (void)session; }
EXPORTED void ForetokenDisown(OrtSession *session) { (void)session; }

#endif
