// The broker's log: nobody but the node writes fields into it, and nobody fills it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/broker.h"
#include "tests/support/raw_client.h"

namespace parley::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::string> lines_of(const std::string& log) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < log.size();) {
    const std::size_t end = std::min(log.find('\n', at), log.size());
    lines.push_back(log.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

// What is left of a line when its quoted values are taken out: where a reader of key=value looks for keys.
std::string unquoted(std::string_view line) {
  std::string out;
  bool inside = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') inside = !inside;
    if (inside && line[i] == '\\') ++i;
    if (!inside) out += line[i];
  }
  return out;
}

// A CONNECT of 3.1.1 with a password and no user name, which Mosquitto answers with a line of its own, before
// it asks us.
std::string password_without_name(const std::string& client_id) {
  const auto field = [](std::string_view text) {
    std::string out{static_cast<char>(text.size() >> 8), static_cast<char>(text.size() & 0xff)};
    return out.append(text);
  };
  const std::string body = field("MQTT") + std::string("\x04\x42\x00\x3c", 4) + field(client_id) + field("x");
  std::string packet(1, '\x10');
  for (std::size_t left = body.size(); packet.size() == 1 || left > 0;) {
    const auto low = static_cast<unsigned char>(left & 0x7f);
    left >>= 7;
    packet += static_cast<char>(low | (left > 0 ? 0x80 : 0));
  }
  return packet + body;
}

const std::string kHostile[] = {
    R"(x" user=admin event=kick)",  "x user=admin event=kick reason=\"administrator\"",
    "x\\\" user=admin event=kick",  "x\u2028parley: user=admin event=kick",
    "x\u202euser=admin event=kick", "x\u200buser=admin event=kick",
    "\ufeffuser=admin event=kick",  "x: parley: event=kick user=admin",
};

TEST(LogLines, WhatClientsCallThemselvesStaysOneValue) {
  Broker broker;
  for (const std::string& id : kHostile) {
    RawClient client(broker.port());
    EXPECT_EQ(client.connect({.client_id = id, .password = "nonsense"}).reason, 0x87) << id;
    // The same in a line of Mosquitto's.
    RawClient old(broker.port(), Version::v311);
    old.send_bytes(password_without_name(id));
    EXPECT_TRUE(old.closed());
  }
  // These do not get as far as a line with their id in it: they are no MQTT strings.
  for (const char* id :
       {"x\nparley: event=kick user=admin", "x\r\nevent=kick", "x\tuser=admin", "x\x1b[2Jevent=kick"}) {
    RawClient client(broker.port());
    client.send_bytes(password_without_name(id));
    EXPECT_TRUE(client.closed());
  }
  // 64 KiB of a name leave room for what the line is about.
  RawClient wide(broker.port());
  EXPECT_EQ(wide.connect({.client_id = std::string(60'000, '"'), .password = "nonsense"}).reason, 0x87);
  ASSERT_TRUE(broker.logged("...[60000 bytes]"));

  std::size_t refused = 0;
  for (const std::string& line : lines_of(broker.log())) {
    EXPECT_THAT(unquoted(line), Not(HasSubstr("event=kick"))) << line;
    EXPECT_THAT(unquoted(line), Not(HasSubstr("user=admin"))) << line;
    for (const char* invisible : {"\u2028", "\u202e", "\u200b", "\ufeff", "\x1b", "\t", "\r"})
      EXPECT_THAT(line, Not(HasSubstr(invisible)));
    if (line.find("event=connect_refused") != std::string::npos) {
      ++refused;
      EXPECT_THAT(unquoted(line), HasSubstr("reason=bad_token")) << line;
    }
  }
  EXPECT_GE(refused, std::size(kHostile));
  EXPECT_THAT(broker.log(), HasSubstr(R"(client="x\" user=admin event=kick")"));
  EXPECT_THAT(broker.log(), HasSubstr(R"(mosquitto: text="Protocol error from x\" user=admin)"));
}

TEST(LogLines, RefusedConnectionsDoNotFillTheLog) {
  Broker broker;
  const auto before = std::filesystem::file_size(broker.log_file());
  constexpr int kConnects = 1500;
  const std::string id(20'000, 'x');
  for (int i = 0; i < kConnects; ++i) {
    RawClient client(broker.port());
    if (i % 2 == 0) {
      EXPECT_EQ(client.connect({.client_id = id, .password = "nonsense"}).reason, 0x87);
    } else {
      client.send_bytes(password_without_name(id));
      EXPECT_TRUE(client.closed());
    }
  }
  // Told while it lasts, or right after it.
  EXPECT_TRUE(broker.logged("left_out="));
  EXPECT_TRUE(broker.logged("of=connect_refused/bad_token") || broker.logged("reason=bad_token"));
  const auto written = std::filesystem::file_size(broker.log_file()) - before;
  EXPECT_LT(written, 60'000u) << broker.log();  // 1.5 MB if each had its line
}

// One connection, no rights needed but to be there: 64 KiB of name in a line for every 4 bytes sent.
TEST(LogLines, AcknowledgementsOfNothingDoNotFillTheLog) {
  Broker broker;
  const std::string id(20'000, 'x');
  auto client =
      RawClient::connected(broker.port(), {.client_id = id, .password = broker.service_token("probe")});
  const auto before = std::filesystem::file_size(broker.log_file());
  std::string acks;
  for (int i = 0; i < 2000; ++i) acks += std::string("\x40\x02\x00\x07", 4);
  if (client.try_send_bytes(acks)) {
    try {
      client.ping();
    } catch (const std::runtime_error&) {  // cut off: as well
    }
  }
  EXPECT_LT(std::filesystem::file_size(broker.log_file()) - before, 30'000u);
}

}  // namespace
}  // namespace parley::test
