// What every RetainedStore must do, whatever holds the bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "storage/retained_bytes.h"
#include "storage/retained_store.h"
#include "storage/test_folder.h"

namespace parley::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Backend {
  std::string name;
  bool persistent = false;
  std::unique_ptr<RetainedStore> (*open)(const std::filesystem::path&) = nullptr;
};

std::unique_ptr<RetainedStore> open_rocks(const std::filesystem::path& path) {
  auto store = open_rocks_retained({.path = path});
  if (!store) throw std::runtime_error(store.error());
  return std::move(*store);
}
std::unique_ptr<RetainedStore> open_memory(const std::filesystem::path&) { return make_memory_retained(); }

class RetainedConformance : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override { store_ = GetParam().open(folder_.path()); }
  // As after the end of a process: nothing was synced.
  void reopen_if_persistent() {
    if (!GetParam().persistent) return;
    store_.reset();
    store_ = GetParam().open(folder_.path());
  }
  std::vector<std::string> all() {
    std::vector<std::string> result;
    EXPECT_TRUE(store_->load([&](const RetainedMessage& m) {
      result.push_back(std::string(m.topic) + "=" + std::string(m.payload) + " q" + std::to_string(m.qos) +
                       " " + std::string(m.owner) + " " + std::string(m.properties) + " " +
                       std::to_string(m.expires_s));
    }));
    return result;
  }

  TestFolder folder_;
  std::unique_ptr<RetainedStore> store_;
};

TEST_P(RetainedConformance, BeginsEmpty) { EXPECT_THAT(all(), IsEmpty()); }

TEST_P(RetainedConformance, KeepsEverythingOfAMessage) {
  ASSERT_TRUE(store_->put({.topic = "devices/alice/lamp",
                           .payload = "on",
                           .properties = "props",
                           .owner = "alice",
                           .qos = 2,
                           .expires_s = 1'763'683'200}));
  ASSERT_TRUE(store_->put(
      {.topic = "a", .payload = std::string_view("\0\xff", 2), .properties = {}, .owner = {}, .qos = 0}));
  reopen_if_persistent();
  EXPECT_THAT(all(), ElementsAre("a=" + std::string("\0\xff", 2) + " q0   0",
                                 "devices/alice/lamp=on q2 alice props 1763683200"));
}

TEST_P(RetainedConformance, TheLastOneCounts) {
  for (const char* payload : {"on", "off", "a longer one than before"})
    ASSERT_TRUE(store_->put({.topic = "t", .payload = payload, .properties = {}, .owner = {}}));
  reopen_if_persistent();
  EXPECT_THAT(all(), ElementsAre(HasSubstr("a longer one")));
}

TEST_P(RetainedConformance, RemovedIsGone) {
  ASSERT_TRUE(store_->put({.topic = "t", .payload = "x", .properties = {}, .owner = {}}));
  ASSERT_TRUE(store_->put({.topic = "t/u", .payload = "y", .properties = {}, .owner = {}}));
  ASSERT_TRUE(store_->remove("t"));
  ASSERT_TRUE(store_->remove("never there"));
  reopen_if_persistent();
  EXPECT_THAT(all(), ElementsAre(HasSubstr("t/u=y")));
}

TEST_P(RetainedConformance, RefusesWhatIsNone) {
  EXPECT_FALSE(store_->put({.topic = "t", .payload = "", .properties = {}, .owner = {}}));
  EXPECT_FALSE(store_->put({.topic = "", .payload = "x", .properties = {}, .owner = {}}));
  EXPECT_THAT(all(), IsEmpty());
}

TEST_P(RetainedConformance, Syncs) {
  ASSERT_TRUE(store_->put({.topic = "t", .payload = "x", .properties = {}, .owner = {}}));
  EXPECT_TRUE(store_->sync());
}

INSTANTIATE_TEST_SUITE_P(Backends, RetainedConformance,
                         testing::Values(Backend{"memory", false, open_memory},
                                         Backend{"rocks", true, open_rocks}),
                         [](const auto& backend) { return backend.param.name; });

TEST(RocksRetainedTest, RefusesBelowTheReserve) {
  TestFolder folder;
  auto store = open_rocks_retained({.path = folder.path(), .reserve_bytes = std::uint64_t{1} << 60});
  ASSERT_TRUE(store) << store.error();
  const auto put = (*store)->put({.topic = "t", .payload = "x", .properties = {}, .owner = {}});
  ASSERT_FALSE(put);
  EXPECT_THAT(put.error(), HasSubstr("full"));
  EXPECT_TRUE((*store)->remove("t")) << "removing makes room";
}

// Cut anywhere, or with lengths that lie, it is no message and nothing is read beyond it.
TEST(RetainedBytesTest, DamageIsSeen) {
  std::string value;
  make_retained_value({.topic = "t", .payload = "p", .properties = "props", .owner = "alice", .qos = 1},
                      value);
  ASSERT_TRUE(parse_retained("t", value));
  for (std::size_t size = 0; size < value.size(); ++size)
    EXPECT_FALSE(parse_retained("t", std::string_view(value).substr(0, size))) << size;
  for (std::size_t at = 0; at < 26; ++at) {
    std::string bad = value;
    bad[at] = '\xff';
    parse_retained("t", bad);  // must not read outside
  }
}

}  // namespace
}  // namespace parley::storage
