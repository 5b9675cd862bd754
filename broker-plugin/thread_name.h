// Threads carry a name (docs/threads.md), which top, gdb and perf show.
#ifndef PARLEY_BROKER_PLUGIN_THREAD_NAME_H_
#define PARLEY_BROKER_PLUGIN_THREAD_NAME_H_

#include <pthread.h>
#include <signal.h>

namespace parley::plugin {

// Also leaves all signals to the broker's own thread, whose loop expects them.
inline void name_this_thread(const char* name) {
  pthread_setname_np(pthread_self(), name);
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace parley::plugin

#endif
