// A broker whose disk and clock a test can spoil, with one room and people in it.
#ifndef PARLEY_TESTS_CHAOS_FAULTY_WORLD_H_
#define PARLEY_TESTS_CHAOS_FAULTY_WORLD_H_

#include <string>
#include <string_view>
#include <vector>

#include "tests/chaos/fault_shim.h"
#include "tests/chaos/load.h"
#include "tests/support/admin.h"
#include "tests/support/chat.h"

namespace parley::test {

struct FaultyWorld {
  FaultyWorld() : broker({.start = false}), shim(broker.data(), broker.folder()) {
    broker.set_env(shim.environment());
    broker.start();
    std::vector<ControlOp> ops = Load::facts(options);
    ops.push_back(RoomPut{.room = "general", .limits = "unlimited"});
    for (const char* user : {"alice", "bob"}) {
      ops.push_back(UserPut{.user = user, .limits = "unlimited"});
      ops.push_back(MemberPut{.room = "general", .user = user});
    }
    Admin(broker).apply(std::move(ops));
  }
  // Valid hours ago and hours from now: some tests move the broker's clock.
  RawClient connect(std::string_view user, std::string_view device = "phone",
                    Version version = Version::v5) const {
    const std::string token = broker.token(user, {.device = std::string(device), .ttl = 10h, .issued = -10h});
    return RawClient::connected(
        broker.port(),
        {.client_id = std::string(user) + ":" + std::string(device), .password = token, .version = version});
  }
  std::vector<Seen> log() const {
    std::vector<Seen> seen;
    for (const auto& event : Admin(broker, "log").read_log()) seen.push_back(seen_of(event));
    return seen;
  }

  LoadOptions options{};
  Broker broker;
  FaultShim shim;
};

}  // namespace parley::test

#endif
