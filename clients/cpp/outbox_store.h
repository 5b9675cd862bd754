// Where an app may keep unsettled messages across restarts; without one they live as long as the Client.
#ifndef PARLEY_CLIENTS_CPP_OUTBOX_STORE_H_
#define PARLEY_CLIENTS_CPP_OUTBOX_STORE_H_

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "clients/cpp/types.h"

namespace parley::client {

// Called on the SDK's thread only, so it may block it: keep it quick. Must not throw; a store that fails
// keeps less than it was given, and the messages are still sent.
class OutboxStore {
 public:
  virtual ~OutboxStore() = default;
  virtual std::vector<Outgoing> load() = 0;  // oldest first; called once, before anything else
  virtual void put(const Outgoing& message) = 0;
  virtual void remove(std::string_view room, std::string_view cid) = 0;
};

// A store in one file of JSON lines, mode 0600: {"put":{...}} and {"done":{"room","cid"}}, appended,
// rewritten when loaded. A last line torn by a crash is ignored. One process at a time: a second one finds it
// locked and keeps nothing. Writes reach the kernel before put() returns, so a crash of the app loses
// nothing; a power cut may.
std::unique_ptr<OutboxStore> make_file_outbox(const std::filesystem::path& file);

}  // namespace parley::client

#endif
