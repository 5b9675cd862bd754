// What a server (or somebody in its place) can send to the SDK: a byte for the topic, then the payload.
#include <cstdint>
#include <cstdlib>

#include "clients/cpp/engine.h"
#include "clients/cpp/testing/fake_environment.h"
#include "clients/cpp/testing/fake_transport.h"

namespace {

using namespace parley::client;

// Seqs must rise, whatever comes in.
struct Checker : Listener {
  void on_event(const parley::Event& event) override {
    if (event.stamp.seq <= last || event.stamp.room != "general") std::abort();
    last = event.stamp.seq;
  }
  parley::Seq last{0};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  FakeTime time;
  FakeWire wire;
  Checker checker;
  Options options{.user = *parley::UserName::parse("alice"), .device = *parley::DeviceName::parse("laptop")};
  options.environment = time.environment();
  Engine engine(options, checker, {[](std::uint64_t) {}, {}});
  engine.use(std::make_unique<FakeTransport>(wire));
  engine.join("general", parley::Seq{0});
  engine.connect();
  engine.token(1, "h.e30.s", "");
  engine.connected({});
  for (const auto& s : wire.subscribed) engine.subscribed(s.ticket, {0, ""});
  engine.send({.room = "general", .cid = "c", .body = "hello"}, {});

  static constexpr const char* kTopics[] = {"rooms/general/messages", "users/alice/events",
                                            "rooms/general/typing"};
  const std::string_view payload(reinterpret_cast<const char*>(data + 1), size - 1);
  for (int i = 0; i < 2; ++i) engine.received(kTopics[data[0] % 3], payload);
  time.advance(Millis(60'000));
  engine.on_time();
  engine.shut_down();
  return 0;
}
