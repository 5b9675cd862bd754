// The whole bridge behind a real PgBouncer, and what it says when that is in a mode that will not do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/metadata.h"
#include "tests/control/plane.h"
#include "tests/support/pgbouncer.h"

namespace parley::test {
namespace {

using testing::HasSubstr;

BridgeOptions behind(const PgBouncer& pooler, const std::string& database, const Broker& broker) {
  BridgeOptions options;
  options.database = pooler.url(database);
  options.brokers = {&broker};
  return options;
}

class BehindAPooler : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(PgBouncer::installed()) << "apt-get install pgbouncer"; }
};

// From an empty database to what people may do at the broker.
TEST_F(BehindAPooler, InSessionModeTheBridgeDoesAllThatItDoes) {
  const std::string database = PostgresCluster::shared().create_database();
  PgBouncer pooler(PostgresCluster::shared(), "session");
  Broker broker;
  Admin admin(broker);
  Bridge bridge(behind(pooler, database, broker));
  bridge.wait_until_ready();
  Ledger ledger(pooler.url(database));
  ledger.add_user("alice");
  ledger.add_user("bob");
  ledger.add_room("alice", "general");
  wait_for_version(admin, ledger.head());
  EXPECT_EQ(facts_of(admin), listable(ledger.facts()));
  // Another one takes over, and the pooler goes and comes back.
  bridge.kill9();
  bridge.start();
  bridge.wait_until_ready();
  pooler.kill();
  pooler.start();
  ledger.join("bob", "general");
  wait_for_version(admin, ledger.head());
  bridge.wait_until_ready();
  EXPECT_EQ(facts_of(admin), listable(ledger.facts()));
}

TEST_F(BehindAPooler, InAnotherModeItSaysWhatToDo) {
  const std::string database = PostgresCluster::shared().create_database();
  Broker broker;
  for (const char* mode : {"transaction", "statement"}) {
    PgBouncer pooler(PostgresCluster::shared(), mode);
    Bridge bridge(behind(pooler, database, broker));
    EXPECT_TRUE(bridge.logged("pool_mode = session")) << mode;
    const auto ready = bridge.get("/health/ready");
    ASSERT_TRUE(ready.has_value()) << mode;
    EXPECT_EQ(ready->status, 503) << mode;
    EXPECT_THAT(ready->body, HasSubstr("pool_mode = session")) << mode;
    const auto checked = bridge.check();
    EXPECT_EQ(checked.status, 2) << mode;
    EXPECT_THAT(checked.text, HasSubstr("database.url")) << mode;
    EXPECT_THAT(checked.text, HasSubstr("pool_mode = session")) << mode;
  }
  PgBouncer pooler(PostgresCluster::shared(), "session");
  Bridge bridge(behind(pooler, database, broker));
  const auto checked = bridge.check();
  EXPECT_EQ(checked.status, 0) << checked.text;
}

}  // namespace
}  // namespace parley::test
