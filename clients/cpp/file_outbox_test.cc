#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "clients/cpp/outbox_store.h"
#include "tests/support/temp_dir.h"

namespace parley::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class FileOutboxTest : public testing::Test {
 protected:
  static Outgoing message(const std::string& cid) {
    Outgoing out;
    out.room = "general";
    out.cid = cid;
    out.body = "line\nbreak \"quoted\" \xf0\x9f\x8e\x89";
    return out;
  }
  std::vector<std::string> cids(OutboxStore& store) {
    std::vector<std::string> out;
    for (const Outgoing& m : store.load()) out.push_back(m.cid);
    return out;
  }

  test::TempDir folder;
  std::filesystem::path file = folder.path() / "outbox";
};

TEST_F(FileOutboxTest, KeepsWhatIsNotSettledInOrder) {
  {
    auto store = make_file_outbox(file);
    EXPECT_THAT(store->load(), IsEmpty());
    for (const char* cid : {"a", "b", "c"}) store->put(message(cid));
    store->remove("general", "b");
  }
  auto again = make_file_outbox(file);
  EXPECT_THAT(cids(*again), ElementsAre("a", "c"));
}

TEST_F(FileOutboxTest, KeepsEveryField) {
  Outgoing full = message("a");
  full.kind = Kind::react;
  full.reply_to = MessageId{71};
  full.target = MessageId{72};
  full.emoji = "+1";
  full.meta = R"({"k":"v"})";
  full.expires_in_s = 60;
  full.mentions = {"bob", "carol"};
  full.attachments = {{"1", "cat.jpg", "image/jpeg", 48211}};
  {
    auto store = make_file_outbox(file);
    store->load();
    store->put(full);
  }
  const auto loaded = make_file_outbox(file)->load();
  ASSERT_EQ(loaded.size(), 1u);
  EXPECT_EQ(loaded[0].body, full.body);
  EXPECT_EQ(loaded[0].kind, Kind::react);
  EXPECT_EQ(loaded[0].reply_to, MessageId{71});
  EXPECT_EQ(loaded[0].target, MessageId{72});
  EXPECT_EQ(loaded[0].emoji, "+1");
  EXPECT_EQ(loaded[0].meta, full.meta);
  EXPECT_EQ(loaded[0].expires_in_s, 60u);
  EXPECT_EQ(loaded[0].mentions, full.mentions);
  ASSERT_EQ(loaded[0].attachments.size(), 1u);
  EXPECT_EQ(loaded[0].attachments[0].size, 48211u);
}

TEST_F(FileOutboxTest, ATornLastLineCostsOnlyItself) {
  {
    auto store = make_file_outbox(file);
    store->load();
    store->put(message("a"));
  }
  std::ofstream(file, std::ios::app) << R"({"put":{"room":"general","ci)";
  auto store = make_file_outbox(file);
  EXPECT_THAT(cids(*store), ElementsAre("a"));
  store->put(message("b"));
  store.reset();
  EXPECT_THAT(cids(*make_file_outbox(file)), ElementsAre("a", "b"));
}

// As on a full disk: what cannot be written anew stays as it was.
TEST_F(FileOutboxTest, WhatCannotBeRewrittenIsKept) {
  {
    auto store = make_file_outbox(file);
    store->load();
    store->put(message("a"));
  }
  std::filesystem::create_directory(file.string() + ".tmp");  // in the way of the new file
  {
    auto store = make_file_outbox(file);
    EXPECT_THAT(cids(*store), ElementsAre("a"));
    store->put(message("b"));
  }
  EXPECT_THAT(cids(*make_file_outbox(file)), ElementsAre("a", "b"));
}

TEST_F(FileOutboxTest, AFullDiskWhileItIsRewrittenLeavesTheFile) {
  {
    auto store = make_file_outbox(file);
    store->load();
    store->put(message("a"));
  }
  std::filesystem::create_symlink("/dev/full", file.string() + ".tmp");
  EXPECT_THAT(cids(*make_file_outbox(file)), ElementsAre("a"));
  EXPECT_THAT(cids(*make_file_outbox(file)), ElementsAre("a"));
}

// What did not fit is written with the next change that does.
TEST_F(FileOutboxTest, WhatDidNotFitIsWrittenLater) {
  auto store = make_file_outbox(file);
  store->load();
  store->put(message("a"));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit full = before;
  full.rlim_cur = std::filesystem::file_size(file) + 10;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  store->put(message("b"));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  store->put(message("c"));
  store.reset();
  EXPECT_THAT(cids(*make_file_outbox(file)), ElementsAre("a", "b", "c"));
}

TEST_F(FileOutboxTest, OthersCannotReadIt) {
  auto store = make_file_outbox(file);
  store->load();
  store->put(message("a"));
  struct stat info {};
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(FileOutboxTest, ASecondOwnerKeepsItsHandsOff) {
  auto first = make_file_outbox(file);
  first->load();
  first->put(message("a"));
  auto second = make_file_outbox(file);
  EXPECT_THAT(second->load(), IsEmpty());
  second->put(message("b"));
  second->remove("general", "a");
  second.reset();
  first.reset();
  EXPECT_THAT(cids(*make_file_outbox(file)), ElementsAre("a"));
}

TEST_F(FileOutboxTest, StaysSmall) {
  auto store = make_file_outbox(file);
  store->load();
  for (int i = 0; i < 5000; ++i) {
    store->put(message(std::to_string(i)));
    store->remove("general", std::to_string(i));
  }
  EXPECT_LT(std::filesystem::file_size(file), 500'000u);
}

}  // namespace
}  // namespace parley::client
