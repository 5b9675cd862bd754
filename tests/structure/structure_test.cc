// Rules about the sources themselves; each is tried on the real tree and on a small one that breaks it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/structure/source_tree.h"

namespace parley::structure {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Tree& real_tree() {
  static const Tree kTree = read_tree(PARLEY_SOURCE_DIR);
  return kTree;
}

std::string lines(const Faults& faults) {
  std::string text;
  for (const std::string& fault : faults) text += fault + "\n";
  return text;
}

// Where each library may be seen. A new line here is a decision: usually the header belongs into an adapter.
std::vector<Library> libraries() {
  return {
      {"mosquitto", {"broker-plugin/plugin.cc", "broker-plugin/mosquitto_*"}},
      {"rocksdb/", {"storage/rocks_*", "storage/replica_batch.h", "storage/fault_files.h"}},
      {"openssl/",
       {"schemas/jws_key.cc", "schemas/rsa.cc", "schemas/openssl_handles.h", "schemas/token_test.cc",
        "tests/support/jws_signer.cc", "tests/support/token_mint.cc"}},
      {"prometheus/", {"broker-plugin/metrics_exposer.cc", "bridge/metrics.cc"}},
      {"spdlog/", {"bridge/log.cc"}},
      {"toml++/", {"config/toml_section.h"}},
      {"mqtt/", {"clients/cpp/paho_transport.cc", "bridge/broker_wire.cc", "tests/e2e/paho_test.cc"}},
      {"MQTT", {}},
      {"CLI/",
       {"broker-plugin/check_main.cc", "clients/parleyctl/command_line.cc", "bridge/main.cc",
        "tests/bench/main.cc", "tests/bench/control.cc", "tests/bench/rest.cc"}},
      {"unicode/", {"schemas/text/unicode.cc"}},
      {"utf8proc", {"clients/parleyctl/chat/text.cc"}},
      {"libpq-fe.h", {"storage/postgres/connection.cc", "storage/postgres/url.cc"}},
      {"nats", {}},
      {"boost/beast/", {"bridge/http/request_reader.cc", "bridge/api/testing/http_call.cc"}},
      {"boost/url/", {"bridge/http/target.cc"}},
      {"sodium", {"bridge/api/password.cc", "bridge/api/seal.cc"}},
      {"curl", {"bridge/api/fetch.cc", "clients/http/curl_client.cc"}},
  };
}

TEST(Structure, TheTreeWasRead) {
  EXPECT_TRUE(real_tree().contains("schemas/ids.h"));
  EXPECT_TRUE(real_tree().contains("tests/structure/structure_test.cc"));
  EXPECT_GT(real_tree().size(), 40u);
}

TEST(Layers, IncludesGoDownward) { EXPECT_EQ(lines(layer_faults(real_tree())), ""); }

TEST(Layers, AnUpwardOrSidewaysIncludeIsFound) {
  const Tree tree = {
      {"schemas/a.h", "#include \"storage/log.h\"\n"},
      {"storage/b.cc", "\n  #  include \"schemas/ids.h\"\n#include \"config/broker_config.h\"\n"},
      {"bridge/c.cc", "#include \"broker-plugin/x.h\"\n"},
      {"clients/d.cc", "#include \"storage/log.h\"\n"},
      {"push/e.cc", "#include \"e.h\"\n#include <schemas/ids.h>\n#include <vector>\n"},
      {"storage/f.cc", "#include \"tests/support/port.h\"\n"},
      {"storage/f_test.cc", "#include \"tests/support/port.h\"\n"},
      {"tests/g.cc", "#include \"bridge/x.h\"\n#include \"push/x.h\"\n"},
  };
  EXPECT_THAT(layer_faults(tree),
              ElementsAre(HasSubstr("bridge/c.cc:1: bridge may not include broker-plugin"),
                          HasSubstr("clients/d.cc:1: clients may not include storage"),
                          HasSubstr("push/e.cc:1: \"e.h\" does not start at the root"),
                          HasSubstr("push/e.cc:2: write our own headers in quotes"),
                          HasSubstr("schemas/a.h:1: schemas may not include storage"),
                          HasSubstr("storage/f.cc:1: storage may not include tests")));
}

TEST(Cycles, FoldersFormNone) { EXPECT_EQ(lines(cycle_faults(real_tree())), ""); }

TEST(Cycles, ACircleIsFound) {
  const Tree tree = {
      {"clients/cpp/a.h", "#include \"clients/ctl/b.h\"\n"},
      {"clients/ctl/b.h", "#include \"clients/web/c.h\"\n"},
      {"clients/web/c.h", "#include \"clients/cpp/a.h\"\n"},
      {"clients/cpp/a_test.cc", "#include \"clients/web/c.h\"\n"},
  };
  EXPECT_THAT(cycle_faults(tree),
              ElementsAre("folders include each other: clients/cpp -> clients/ctl -> clients/web -> "
                          "clients/cpp"));
}

TEST(Libraries, StayInTheirAdapters) { EXPECT_EQ(lines(library_faults(real_tree(), libraries())), ""); }

TEST(Libraries, AStrayHeaderAndAStaleEntryAreFound) {
  const Tree tree = {{"storage/a.cc", "#include <rocksdb/db.h>\n"},
                     {"bridge/b.cc", "#include <rocksdb/db.h>\n"}};
  EXPECT_THAT(library_faults(tree, {{"rocksdb/", {"storage/a.cc", "storage/gone.cc"}}}),
              ElementsAre("bridge/b.cc:1: <rocksdb/db.h> belongs inside its adapter: storage/a.cc",
                          HasSubstr("storage/gone.cc may include <rocksdb/...> but does not")));
}

TEST(Docs, LinksLeadSomewhere) { EXPECT_EQ(lines(link_faults(real_tree(), PARLEY_SOURCE_DIR)), ""); }

TEST(Docs, ABrokenLinkAndAMissingNameAreFound) {
  const Tree tree = {{"docs/a.md",
                      "[x](../b.cc) [y](../gone.cc) [`run`](../b.cc) "
                      "[`Ship::sail()`](../b.cc)\n[`ru`](../b.cc) [z](https://a/b) "
                      "[`b.cc`](../b.cc)"},
                     {"b.cc", "void run();"}};
  EXPECT_THAT(link_faults(tree, "/nonexistent"),
              ElementsAre("docs/a.md:1: leads nowhere: ../gone.cc",
                          "docs/a.md:1: ../b.cc has no `Ship::sail()`", "docs/a.md:2: ../b.cc has no `ru`"));
}

TEST(Docs, TheJourneyHasEightSteps) {
  ASSERT_TRUE(real_tree().contains("docs/journey.md"));
  EXPECT_EQ(lines(journey_faults(real_tree().at("docs/journey.md"), 8)), "");
}

TEST(Docs, AJourneyWithoutItsStepsIsFound) {
  EXPECT_THAT(journey_faults("# J\n\n## 1. a\n[`f`](../x/a.cc)\n## 3. b\n", 3),
              ElementsAre("step out of order: 3", "there are 2 steps", "step 2 links to no function"));
}

TEST(Leftovers, NothingIsPutOff) { EXPECT_EQ(lines(leftover_faults(real_tree())), ""); }

TEST(Leftovers, OneIsFound) {
  EXPECT_THAT(leftover_faults({{"a.cc", std::string("int x;  // TO") + "DO: y\n"}}),
              ElementsAre(HasSubstr("a.cc:1")));
  EXPECT_THAT(leftover_faults({{"a.sh", "mktemp -d /tmp/a.XXXXXX\n"}}), IsEmpty());
}

}  // namespace
}  // namespace parley::structure
