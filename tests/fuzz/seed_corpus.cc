// Writes the seeds that cannot be written by hand: seed_corpus tests/fuzz/corpus. The same ones every
// time, but for tokens, whose keys are new ones.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "schemas/control.h"
#include "schemas/test_messages.h"

namespace {

using namespace parley;

class Writer {
 public:
  explicit Writer(std::filesystem::path root) : root_(std::move(root)) {}

  void write(const std::string& target, const std::string& name, Bytes bytes) {
    std::filesystem::create_directories(root_ / target);
    std::ofstream file(root_ / target / name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file) throw std::runtime_error("cannot write " + (root_ / target / name).string());
  }

 private:
  std::filesystem::path root_;
};

// Short ones: a fuzzer gets further on them.
Send next_short(testing::RandomMessages& random) {
  Send send = random.send();
  send.body = send.body.substr(0, send.body.find_last_of(" ab", 20) + 1);
  if (send.body.empty()) send.body = "x";
  return send;
}

void write_messages(Writer& out) {
  testing::RandomMessages random(1);
  EventBuilder builder;
  std::vector<std::vector<std::uint8_t>> events;
  for (int i = 0; i < 8; ++i) {
    const std::string name = "random-" + std::to_string(i);
    const Send send = next_short(random);
    out.write("send", name + ".bin", send_to_flatbuffer(send));
    out.write("send", name + ".json", testing::bytes_of(send_to_json(send)));
    const Bytes event = builder.build(random.stamp(), send);
    events.emplace_back(event.begin(), event.end());
    out.write("event", name + ".bin", event);
    std::string json;
    append_event_json(event, json);
    out.write("event", name + ".json", testing::bytes_of(json));
  }
  const std::vector<Bytes> views(events.begin(), events.begin() + 3);
  out.write("event", "frame.bin", FrameBuilder().build("general", views));
  out.write("event", "frame-empty.bin", FrameBuilder().build("general", {}));
  const LogEntry records[] = {{1, views[0]}, {2, views[1]}};
  out.write("event", "log-page.bin", LogPageBuilder().build(7, 0, records));
}

void write_control(Writer& out) {
  RoomPut room;
  room.room = "general";
  room.guests_post = true;
  LimitsPut limits;
  limits.name = "busy";
  limits.burst = 2.5;
  const std::vector<ControlOp> ops = {UserPut{"alice", TokenRole::bot, "busy", 1, UserStatus::blocked},
                                      UserRemove{"alice"},
                                      room,
                                      RoomRemove{"general"},
                                      MemberPut{"general", "alice", MemberRole::owner, Seq{7}},
                                      MemberRemove{"general", "alice"},
                                      BlockPut{"alice", "mallory"},
                                      BlockRemove{"alice", "mallory"},
                                      SessionRevoke{"s-1", 5},
                                      TokenPut{sha256("x"), "meteo", "roof", TokenRole::device, 5},
                                      TokenRemove{sha256("x")},
                                      limits};
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const std::string name = "op-" + std::to_string(i);
    out.write("control", name + ".json", testing::bytes_of(to_json(ops[i])));
    out.write("control", name + ".bin", control_ops_to_flatbuffer({ops[i]}));
  }
  out.write("control", "all.bin", control_ops_to_flatbuffer(ops));
  ControlRequest request;
  request.req = "r-1";
  request.cmd = "apply";
  request.from = 1;
  request.to = 2;
  request.ops = {ops[0], ops[4]};
  out.write("control", "apply.json", testing::bytes_of(to_json(request)));
  request = {};
  request.cmd = "log.read";
  request.room = "general";
  request.offset = 7;
  request.limit = 5;
  request.encoding = "flatbuffers";
  out.write("control", "log-read.json", testing::bytes_of(to_json(request)));
}

void write_tokens(Writer& out) {
  const SigningKey key = SigningKey::generate();
  out.write("token", "jwks.json", testing::bytes_of(make_jwks({key.jwk(), key.jwk()})));
  out.write("token", "full", testing::bytes_of(key.sign({"alice", "phone", "s-1", 900, 0, TokenRole::user})));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: seed_corpus FOLDER\n";
    return 2;
  }
  Writer out(argv[1]);
  write_messages(out);
  write_control(out);
  write_tokens(out);
  return 0;
}
