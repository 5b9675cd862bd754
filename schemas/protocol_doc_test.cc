// The examples of docs/protocol.md are what the code takes and makes.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/stream_parser.hpp>
#include <fstream>
#include <sstream>

#include "schemas/control.h"
#include "schemas/message.h"
#include "schemas/test_messages.h"

namespace parley {
namespace {

namespace json = boost::json;

std::string page() {
  std::ifstream file(std::string(PARLEY_SOURCE_DIR) + "/docs/protocol.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Every object in a block of JSON, as written.
std::vector<std::string> examples() {
  const std::string text = page();
  constexpr std::string_view kOpen = "```json\n";
  std::vector<std::string> found;
  for (std::size_t at = text.find(kOpen); at != std::string::npos; at = text.find(kOpen, at)) {
    at += kOpen.size();
    std::string_view block = std::string_view(text).substr(at, text.find("```", at) - at);
    while (block.find('{') != std::string_view::npos) {
      block.remove_prefix(block.find('{'));
      json::stream_parser parser;
      const std::size_t used = parser.write_some(block.data(), block.size());
      found.emplace_back(block.substr(0, used));
      block.remove_prefix(used);
    }
  }
  return found;
}

std::string compact(std::string_view text) { return json::serialize(json::parse(text)); }

TEST(ProtocolPage, GivesExamplesThatHold) {
  SendDecoder decoder;
  EventReader reader;
  EventBuilder builder;
  std::size_t sends = 0;
  std::size_t events = 0;
  std::size_t ops = 0;
  for (const std::string& text : examples()) {
    const json::object object = json::parse(text).as_object();
    if (object.contains("op")) {
      const auto op = parse_control_op(text);
      ASSERT_TRUE(op || text.find("\"sha256\":\"...\"") != std::string::npos) << text;
      // What the page shows is complete: nothing is written that it leaves out.
      if (op) {
        EXPECT_EQ(json::parse(to_json(*op)).as_object().size(), object.size()) << text;
      }
      ++ops;
    } else if (object.contains("type")) {
      EXPECT_TRUE(object.at("type") == "ack" || object.at("type") == "error" ||
                  object.at("type") == "session.revoked" || object.at("type") == "session.replaced");
    } else if (object.contains("seq")) {
      const auto event = reader.read_json(text);
      ASSERT_TRUE(event) << text;
      std::string again;
      append_event_json(builder.build(event->stamp, event->send), again);
      EXPECT_EQ(again, compact(text));
      ++events;
    } else {
      EXPECT_TRUE(decoder.decode(testing::bytes_of(text))) << text;
      ++sends;
    }
  }
  EXPECT_EQ(ops, std::variant_size_v<ControlOp>);
  EXPECT_GE(sends, 1u);
  EXPECT_GE(events, 1u);
}

TEST(ProtocolPage, ExplainsEveryCodeAndKind) {
  const std::string text = page();
  for (std::size_t i = 0; i < kCodeCount; ++i) {
    const std::string code = "| `" + std::string(to_string(static_cast<Code>(i))) + "` |";
    EXPECT_NE(text.find(code), std::string::npos) << code;
  }
  for (int value = 0; value < 255; ++value) {
    const std::string_view kind = to_string(static_cast<Kind>(value));
    if (kind == "unknown") continue;
    EXPECT_NE(text.find("`" + std::string(kind) + "`"), std::string::npos) << kind;
  }
}

}  // namespace
}  // namespace parley
