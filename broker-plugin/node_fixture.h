// The node behind a fake broker, for the tests of what users see.
#ifndef PARLEY_BROKER_PLUGIN_NODE_FIXTURE_H_
#define PARLEY_BROKER_PLUGIN_NODE_FIXTURE_H_

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <fstream>

#include "broker-plugin/fake_broker.h"
#include "broker-plugin/node.h"

namespace parley::plugin {

namespace json = boost::json;

class TestClock final : public Clock {
 public:
  std::uint64_t unix_ms() const override { return wall_ms.load(); }
  std::uint64_t steady_ns() const override { return system_.steady_ns(); }
  std::atomic<std::uint64_t> wall_ms{1'763'683'200'000};

 private:
  SystemClock system_;
};

// A log whose sync and append can be made to fail.
class BrittleLog final : public storage::Log {
 public:
  std::atomic<bool> full{false};
  std::atomic<bool> stalled{false};

  storage::LogResult<void> append(const storage::AppendRecord& r) override {
    if (full) return storage::LogError::disk_full;
    if (stalled) return storage::LogError::stalled;
    return log_->append(r);
  }
  storage::LogResult<std::optional<storage::Stored>> find_cid(std::string_view room, std::string_view sender,
                                                              std::string_view cid) override {
    return log_->find_cid(room, sender, cid);
  }
  storage::LogResult<void> find_id(MessageId id, std::string& out) override { return log_->find_id(id, out); }
  storage::LogResult<void> sync() override {
    if (full) return storage::LogError::disk_full;
    return log_->sync();
  }
  storage::LogResult<std::vector<storage::RoomTail>> room_tails() override { return log_->room_tails(); }
  MessageId last_id() const override { return log_->last_id(); }
  storage::LogResult<MessageId> read(
      MessageId after, std::size_t max,
      const std::function<bool(const storage::LogRecordView&)>& visit) override {
    return log_->read(after, max, visit);
  }
  storage::LogResult<void> set_cursor(std::string_view c, MessageId o) override {
    return log_->set_cursor(c, o);
  }
  storage::LogResult<void> remove_cursor(std::string_view c) override { return log_->remove_cursor(c); }
  storage::LogResult<std::vector<std::pair<std::string, MessageId>>> cursors() override {
    return log_->cursors();
  }
  storage::LogResult<MessageId> trim(std::uint64_t now, const storage::RetentionPolicy& policy) override {
    return log_->trim(now, policy);
  }
  MessageId low() const override { return log_->low(); }
  storage::LogResult<void> recover() override {
    if (full) return storage::LogError::disk_full;
    return {};
  }
  storage::LogStats stats() override { return log_->stats(); }

 private:
  std::unique_ptr<storage::Log> log_ = storage::make_memory_log();
};

// Retained messages on a disk that can be full.
class BrittleRetained final : public storage::RetainedStore {
 public:
  std::atomic<bool> full{false};
  storage::RetainedResult<void> put(const storage::RetainedMessage& message) override {
    if (full) return "the disk is full";
    return store_->put(message);
  }
  storage::RetainedResult<void> remove(std::string_view topic) override { return store_->remove(topic); }
  storage::RetainedResult<void> load(
      const std::function<void(const storage::RetainedMessage&)>& visit) override {
    return store_->load(visit);
  }
  storage::RetainedResult<void> sync() override { return store_->sync(); }

 private:
  std::unique_ptr<storage::RetainedStore> store_ = storage::make_memory_retained();
};

class NodeTest : public ::testing::Test {
 protected:
  NodeTest() {
    keys_file_ = std::filesystem::path(::testing::TempDir()) /
                 ("parley-node-test-" + std::to_string(getpid()) + "-jwks.json");
    std::ofstream(keys_file_) << make_jwks({key_.jwk()});
    config_.auth.jwks_file = keys_file_;
    config_.doorbell.socket = "/nonexistent/doorbell.sock";  // tests turn the loop themselves
    config_.metrics.listen.clear();
    config_.retained = {.messages = 3, .bytes = 1000};
    auto log = std::make_unique<BrittleLog>();
    log_ = log.get();
    auto retained = std::make_unique<BrittleRetained>();
    retained_ = retained.get();
    auto node = Node::create(
        config_, broker_, clock_,
        {.log = std::move(log), .replica = storage::make_memory_replica(), .retained = std::move(retained)});
    if (!node) throw std::runtime_error(node.error());
    node_ = std::move(*node);
    broker_.attach(*node_);
    node_->start();
    admin_ = broker_.connect("admin:test", token("admin", "test", TokenRole::service));
    broker_.subscribe(*admin_, std::string(kControlResponseTopic));
    apply(
        R"({"op":"limits.put","name":"many","messages_per_s":100000,"burst":100000,"room_messages_per_s":100000,)"
        R"("connections":5})");
    for (const char* user : {"alice", "bob", "mallory"})
      apply(std::string(R"({"op":"user.put","limits":"many","user":")") + user + "\"}");
    apply(R"({"op":"room.put","room":"general","limits":"many"})");
    for (const char* user : {"alice", "bob"})
      apply(std::string(R"({"op":"member.put","room":"general","user":")") + user + "\"}");
  }
  ~NodeTest() override {
    node_->stop();
    std::filesystem::remove(keys_file_);
  }

  std::string token(const std::string& user, const std::string& device, TokenRole role = TokenRole::user,
                    std::int64_t ttl_s = 900) {
    const std::int64_t now_s = clock_.unix_s();
    return key_.sign({.sub = user,
                      .dev = device,
                      .sid = user + "-" + device,
                      .exp = now_s + ttl_s,
                      .iat = now_s,
                      .role = role});
  }
  FakeBroker::Client& join(const std::string& user, const std::string& device = "phone") {
    FakeBroker::Client* client = broker_.connect(user + ":" + device, token(user, device));
    EXPECT_NE(client, nullptr) << user;
    return *client;
  }
  // `cause`: the HTTP request behind it, as the bridge tells it.
  json::object control(const std::string& fields, const std::string& cause = {}) {
    const std::string req = std::to_string(++requests_) + (cause.empty() ? "" : "/" + cause);
    const std::size_t before = admin_->inbox.size();
    broker_.publish(*admin_, std::string(kControlTopic), R"({"req":")" + req + "\"," + fields + "}");
    EXPECT_TRUE(broker_.run_until([&] { return admin_->inbox.size() > before; })) << fields;
    json::object answer = json::parse(admin_->inbox.back().payload).as_object();
    EXPECT_EQ(answer["req"].as_string(), req);
    return answer;
  }
  void apply(const std::string& op) {
    const auto answer = control(R"("cmd":"apply","from":)" + std::to_string(version_) + R"(,"to":)" +
                                std::to_string(version_ + 1) + R"(,"ops":[)" + op + "]");
    ASSERT_TRUE(answer.contains("ok")) << json::serialize(answer);
    ++version_;
  }
  // Bodies on a JSON topic, in order.
  static std::vector<std::string> bodies(const FakeBroker::Client& client) {
    std::vector<std::string> out;
    for (const auto& d : client.inbox)
      if (d.topic.ends_with("/messages/json"))
        out.emplace_back(json::parse(d.payload).as_object()["body"].as_string().c_str());
    return out;
  }
  static std::vector<json::object> account_events(const FakeBroker::Client& client) {
    std::vector<json::object> out;
    for (const auto& d : client.inbox)
      if (d.topic.ends_with("/events")) out.push_back(json::parse(d.payload).as_object());
    return out;
  }
  std::string last_error(const FakeBroker::Client& client) {
    std::string code;
    broker_.run_until([&] {
      const auto events = account_events(client);
      if (events.empty() || !events.back().contains("code")) return false;
      code = events.back().at("code").as_string().c_str();
      return true;
    });
    return code;
  }

  TestClock clock_;
  SigningKey key_ = SigningKey::generate();
  std::filesystem::path keys_file_;
  BrokerConfig config_;
  FakeBroker broker_;
  BrittleLog* log_ = nullptr;
  BrittleRetained* retained_ = nullptr;
  std::unique_ptr<Node> node_;
  FakeBroker::Client* admin_ = nullptr;
  int requests_ = 0;
  std::uint64_t version_ = 0;
};

}  // namespace parley::plugin

#endif
