// What brokers are fed: numbered changes, snapshots, leadership; and several bridges on one database.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "storage/replica_store.h"
#include "storage/testing/metadata_test.h"

namespace parley::storage {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::SizeIs;

class FeedTest : public MetadataTest {
 protected:
  static std::vector<std::string> facts_of(ReplicaStore& replica) {
    std::vector<std::string> facts;
    EXPECT_TRUE(replica.load([&](ControlOp&& op) { facts.push_back(to_json(op)); }));
    std::sort(facts.begin(), facts.end());
    return facts;
  }
  static void apply(ReplicaStore& replica, const ChangeRow& change) {
    const auto request =
        parse_control_request(R"({"req":"1","cmd":"apply","from":0,"to":1,"ops":)" + change.ops_json + "}");
    ASSERT_TRUE(request.has_value()) << request.error().message;
    ASSERT_TRUE(replica.apply(change.version, request->ops));
  }
  std::uint64_t take_snapshot(ReplicaStore& replica) {
    EXPECT_TRUE(replica.snapshot_begin());
    const auto at = feed().snapshot([&](std::vector<ControlOp>&& facts) {
      EXPECT_TRUE(replica.snapshot_add(facts));
      return true;
    });
    EXPECT_OK(at);
    EXPECT_TRUE(replica.snapshot_commit(at ? *at : FeedPosition()));
    return replica.version();
  }
  // A little of everything that is a fact.
  void live() {
    make_users({"alice", "bob", "carol", "dave", "erin"});
    make_channel("general", "alice", {"bob", "carol"});
    make_channel("short-lived", "alice", {"bob"});
    make_channel("late", "bob");
    RoomPatch patch;
    patch.history = RoomHistory::joined;
    patch.status = RoomStatus::read_only;
    patch.guests_post = true;
    patch.pin_role = MemberRole::owner;
    ASSERT_OK(rooms().update(as("bob"), "late", patch));
    NewMember joining;
    joining.tail = Seq{17};
    ASSERT_OK(members().join(as("carol"), "late", joining));
    ASSERT_OK(members().set_role(as("bob"), "late", "carol", MemberRole::guest));
    ASSERT_OK(members().leave(as("bob"), "general"));
    ASSERT_OK(rooms().remove(as("alice"), "short-lived"));
    ASSERT_OK(people().block(as("alice"), "carol"));
    ASSERT_OK(people().block(as("alice"), "bob"));
    ASSERT_OK(people().unblock(as("alice"), "bob"));
    LimitsPut limits;
    limits.name = "fast";
    ASSERT_OK(administration().put_limits(admin(), limits));
    AdminUserPatch user;
    user.limits = "fast";
    user.status = AccountStatus::blocked;
    ASSERT_OK(users().administer(admin(), "erin", user));
    ASSERT_OK(log_in("alice", "phone", "s1", 1));
    ASSERT_OK(sessions().revoke(as("alice"), "alice", "s1"));
    NewApiToken token;
    token.sha256 = hash_of(5);
    token.user = "alice";
    token.device = "script";
    ASSERT_OK(api_tokens().create(as("alice"), token));
    ASSERT_OK(users().remove(as("dave"), "dave"));
  }
};

TEST_F(FeedTest, ChangesAndSnapshotTellTheSame) {
  live();
  const auto fed = make_memory_replica();
  const auto changes = feed().changes_after(0, 1000);
  ASSERT_OK(changes);
  for (std::size_t i = 0; i < changes->size(); ++i) {
    ASSERT_EQ((*changes)[i].version, i + 1);
    apply(*fed, (*changes)[i]);
  }
  const auto copied = make_memory_replica();
  EXPECT_EQ(take_snapshot(*copied), head());
  EXPECT_EQ(copied->version(), fed->version());
  EXPECT_THAT(facts_of(*copied), ElementsAreArray(facts_of(*fed)));
  EXPECT_GT(facts_of(*copied).size(), 10u);
}

TEST_F(FeedTest, ASnapshotMayBeGivenUp) {
  live();
  EXPECT_EQ(outcome(feed().snapshot([](std::vector<ControlOp>&&) { return false; })), "conflict");
  EXPECT_OK(feed().head());
}

TEST_F(FeedTest, ChangesComeInPortions) {
  make_users({"u1", "u2", "u3", "u4", "u5"});
  const auto first = feed().changes_after(1, 2);
  ASSERT_THAT(*first, SizeIs(2));
  EXPECT_EQ(first->front().version, 2u);
  EXPECT_THAT(feed().changes_after(3, 100).value(), SizeIs(2));
  EXPECT_THAT(feed().changes_after(5, 100).value(), SizeIs(0));
  EXPECT_EQ(outcome(feed().changes_after(6, 100)), "too_old") << "ahead: this was another database";
  // Large ones do not all come at once, and one at least comes.
  sql("UPDATE changes SET ops = '[' || repeat(' ', 700000) || ']'");
  EXPECT_THAT(feed().changes_after(0, 100).value(), SizeIs(2));
  sql("UPDATE changes SET ops = '[' || repeat(' ', 3000000) || ']'");
  EXPECT_THAT(feed().changes_after(0, 100).value(), SizeIs(1));
}

TEST_F(FeedTest, AnotherHistoryIsTooOld) {
  make_users({"u1", "u2", "u3", "u4", "u5"});
  const auto before = feed().changes_after(0, 100).value();
  const auto position = [](const ChangeRow& row) { return FeedPosition(row.version, row.mark); };
  EXPECT_THAT(feed().changes_after(position(before[2]), 100).value(), SizeIs(2));
  EXPECT_EQ(feed().snapshot([](auto&&) { return true; }).value(), position(before[4]));
  // As on a standby that took over without the last two, and has made others since.
  sql("DELETE FROM changes WHERE version > 3");
  sql("UPDATE change_head SET version = 3");
  make_users({"v4", "v5", "v6"});
  EXPECT_THAT(feed().changes_after(position(before[2]), 100).value(), SizeIs(3));
  EXPECT_EQ(outcome(feed().changes_after(position(before[3]), 100)), "too_old");
  EXPECT_EQ(outcome(feed().changes_after(position(before[4]), 100)), "too_old");
  EXPECT_THAT(feed().changes_after(5, 100).value(), SizeIs(1)) << "who knows no mark asks for the version";
  // Where nothing is left to compare with.
  const auto now = feed().changes_after(0, 100).value();
  EXPECT_EQ(feed().trim_changes(1).value(), 5u);
  EXPECT_THAT(feed().changes_after(position(now[5]), 100).value(), SizeIs(0));
  EXPECT_EQ(outcome(feed().changes_after(position(now[4]), 100)), "too_old");
}

TEST_F(FeedTest, TrimmedChangesAreTooOld) {
  make_users({"u1", "u2", "u3", "u4", "u5"});
  EXPECT_EQ(feed().trim_changes(2).value(), 3u);
  EXPECT_EQ(outcome(feed().changes_after(2, 100)), "too_old");
  EXPECT_THAT(feed().changes_after(3, 100).value(), SizeIs(2));
  EXPECT_EQ(feed().trim_changes(0).value(), 2u);
  EXPECT_THAT(feed().changes_after(5, 100).value(), SizeIs(0));
  EXPECT_EQ(outcome(feed().changes_after(4, 100)), "too_old");
}

TEST_F(FeedTest, WaitingEndsWithAChange) {
  EXPECT_EQ(feed().wait_for_change(10s), Wake::changed) << "the first time, to look what there was before";
  EXPECT_EQ(feed().wait_for_change(1ms), Wake::timeout);
  std::thread writer([&] { make_users({"alice"}); });
  EXPECT_EQ(feed().wait_for_change(10s), Wake::changed);
  writer.join();
  EXPECT_EQ(head(), 1u);
  std::thread stopper([&] { feed().interrupt(); });
  EXPECT_EQ(feed().wait_for_change(10s), Wake::interrupted);
  stopper.join();
  EXPECT_EQ(feed().wait_for_change(1ms), Wake::timeout);
}

TEST_F(FeedTest, OneLeadsAtATime) {
  const auto other = open(options());
  EXPECT_TRUE(feed().try_lead().value());
  EXPECT_TRUE(feed().leading());
  EXPECT_TRUE(feed().try_lead().value()) << "asking again changes nothing";
  EXPECT_FALSE(other->feed().try_lead().value());
  EXPECT_FALSE(other->feed().leading());
  feed().resign();
  EXPECT_FALSE(feed().leading());
  // The server sees the end of the connection a moment later.
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  bool leads = false;
  while (!leads && std::chrono::steady_clock::now() < deadline) leads = other->feed().try_lead().value();
  EXPECT_TRUE(leads);
  sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
  const auto gone_by = std::chrono::steady_clock::now() + 10s;
  while (other->feed().leading() && std::chrono::steady_clock::now() < gone_by) continue;
  EXPECT_FALSE(other->feed().leading()) << "the connection is gone, and the lock with it";
  EXPECT_TRUE(feed().try_lead().value());
}

TEST_F(FeedTest, ManyMigrateAtOnce) {
  url_ = cluster().create_database();
  std::atomic<std::uint32_t> applied = 0;
  std::vector<std::thread> bridges;
  for (int i = 0; i < 6; ++i) {
    bridges.emplace_back([&] {
      const auto done = migrate_postgres(options());
      EXPECT_OK(done);
      if (done) applied += *done;
    });
  }
  for (std::thread& bridge : bridges) bridge.join();
  EXPECT_EQ(std::to_string(applied) + "\n", sql("SELECT count(*) FROM schema_migrations"));
  EXPECT_EQ(migrate_postgres(options()).value(), 0u);
}

TEST_F(FeedTest, ADatabaseOfANewerVersionIsRefused) {
  sql("INSERT INTO schema_migrations (number, name) VALUES (999, 'of tomorrow')");
  const auto refused = migrate_postgres(options());
  EXPECT_EQ(outcome(refused), "conflict");
  EXPECT_THAT(refused.error().message, HasSubstr("newer version"));
}

TEST_F(FeedTest, AConnectionStringThatIsNoneIsRefused) {
  PostgresOptions wrong = options();
  wrong.url = "postgresql:///x?nonsense=1";
  EXPECT_EQ(outcome(open_postgres(wrong)), "invalid");
  EXPECT_EQ(outcome(migrate_postgres(wrong)), "invalid");
}

// Versions are given in the order of commit and without gaps: a reader that always goes on from where it was
// never misses one, and what it has applied is at the end what a snapshot says.
TEST_F(FeedTest, VersionsRiseInTheOrderOfCommit) {
  constexpr int kWriters = 8, kRounds = 30;
  std::vector<std::string> names = {"owner"};
  for (int i = 0; i < kWriters; ++i) names.push_back("user" + std::to_string(i));
  make_users(names);
  make_channel("busy", "owner");
  make_channel("other", "owner");
  std::atomic<bool> done = false;
  const auto replica = make_memory_replica();
  std::thread reader([&] {
    std::uint64_t at = 0;
    for (bool last = false;;) {
      last = done;
      const auto changes = feed().changes_after(at, 50);
      ASSERT_OK(changes);
      for (const ChangeRow& change : *changes) {
        ASSERT_EQ(change.version, at + 1);
        apply(*replica, change);
        at = change.version;
      }
      if (last && changes->empty()) return;
    }
  });
  std::vector<std::thread> writers;
  std::atomic<int> failures = 0;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] {
      const std::string user = "user" + std::to_string(i);
      const std::string next = "user" + std::to_string((i + 1) % kWriters);
      const auto note = [&](const auto& result) {
        const std::string how = outcome(result);
        // Others put them in and take them out at the same time: only a fault of the machinery counts.
        if (how == "unavailable" || how == "internal" || how == "invalid") ++failures;
      };
      for (int round = 0; round < kRounds; ++round) {
        note(members().join(as(user), "busy", {}));
        note(
            members().set_role(as("owner"), "busy", next, round % 2 ? MemberRole::guest : MemberRole::admin));
        note(people().block(as(user), next));
        NewMember member;
        member.user = next;
        note(members().add(as("owner"), "other", member));
        note(people().unblock(as(user), next));
        note(members().leave(as(user), "busy"));
        note(members().remove(as("owner"), "other", user));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  done = true;
  reader.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(replica->version(), head());
  const auto copied = make_memory_replica();
  take_snapshot(*copied);
  EXPECT_THAT(facts_of(*replica), ElementsAreArray(facts_of(*copied)));
  EXPECT_EQ(sql("SELECT count(*) FROM rooms r WHERE members <> (SELECT count(*) FROM members m WHERE m.room "
                "= r.room)"),
            "0\n");
}

TEST_F(FeedTest, TheSameKeyAtTheSameTimeIsDoneOnce) {
  make_users({"alice", "bob"});
  const std::uint64_t before = head();
  NewRoom room;
  room.kind = RoomKind::group;
  std::mutex mutex;
  std::set<std::string> made;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto result = rooms().create(once(as("alice"), "same"), room);
      ASSERT_OK(result);
      const std::lock_guard lock(mutex);
      made.insert(result->value.room.room);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(made, SizeIs(1));
  EXPECT_EQ(head(), before + 1);
}

TEST_F(FeedTest, AOneToOneRoomMadeByBothAtOnceIsOne) {
  make_users({"alice", "bob"});
  for (int round = 0; round < 5; ++round) {
    std::vector<std::string> made(2);
    const auto make = [&](std::size_t side) {
      NewRoom room;
      room.kind = RoomKind::direct;
      room.members = {side == 0 ? "bob" : "alice"};
      const auto result = rooms().create(as(side == 0 ? "alice" : "bob"), room);
      ASSERT_OK(result);
      made[side] = result->value.room.room;
    };
    std::thread one(make, 0), two(make, 1);
    one.join();
    two.join();
    EXPECT_EQ(made[0], made[1]);
    ASSERT_OK(rooms().remove(admin(), made[0]));
  }
}

// Whoever reads a room's settings and writes them back by version loses nobody's change.
TEST_F(FeedTest, WritersByVersionDoNotOverwriteEachOther) {
  make_users({"alice"});
  make_channel("general", "alice");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int added = 0; added < 10;) {
        const auto view = rooms().get("general", "alice");
        ASSERT_OK(view);
        RoomPatch patch;
        patch.topic = view->room.topic + "x";
        patch.if_version = view->room.version;
        const auto updated = rooms().update(as("alice"), "general", patch);
        if (updated) ++added;
        if (!updated) {
          ASSERT_EQ(outcome(updated), "version_mismatch");
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(rooms().get("general", "alice")->room.topic.size(), 40u);
}

TEST_F(FeedTest, SerializationFailuresAreTriedAgain) {
  make_users({"alice"});
  sql("CREATE SEQUENCE attempts; CREATE FUNCTION fail_twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "IF nextval('attempts') <= 2 THEN RAISE EXCEPTION 'not now' USING ERRCODE = 'serialization_failure'; "
      "END IF; "
      "RETURN NEW; END $$; CREATE TRIGGER t BEFORE INSERT ON rooms FOR EACH ROW EXECUTE FUNCTION "
      "fail_twice()");
  make_channel("general", "alice");
  EXPECT_EQ(sql("SELECT last_value FROM attempts"), "3\n");
  EXPECT_EQ(store_->pool_stats().retries, 2u);
  EXPECT_EQ(sql("SELECT count(*) FROM rooms"), "1\n");
}

}  // namespace
}  // namespace parley::storage
