#include "bridge/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bridge/health.h"

namespace parley::bridge {
namespace {

using testing::HasSubstr;

TEST(Metrics, GivesPrometheusText) {
  Metrics metrics;
  metrics.counter("parley_bridge_x_total", "How many", {{"node", "a"}}).add(2);
  metrics.counter("parley_bridge_x_total", "How many", {{"node", "a"}}).add();
  metrics.counter("parley_bridge_x_total", "How many", {{"node", "b"}}).add();
  metrics.gauge("parley_bridge_y", "How much").set(1.5);
  metrics.histogram("parley_bridge_z_seconds", "How long", {0.1, 1}).observe(0.5);
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("# TYPE parley_bridge_x_total counter"));
  EXPECT_THAT(text, HasSubstr("parley_bridge_x_total{node=\"a\"} 3"));
  EXPECT_THAT(text, HasSubstr("parley_bridge_x_total{node=\"b\"} 1"));
  EXPECT_THAT(text, HasSubstr("parley_bridge_y 1.5"));
  EXPECT_THAT(text, HasSubstr("parley_bridge_z_seconds_bucket{le=\"1\"} 1"));
  EXPECT_THAT(text, HasSubstr("parley_bridge_z_seconds_count 1"));
}

class Lacking final : public Role {
 public:
  explicit Lacking(std::vector<std::string> what) : what_(std::move(what)) {}
  std::string_view name() const override { return "control"; }
  void start() override {}
  void stop() override {}
  std::vector<std::string> missing() const override { return what_; }

 private:
  std::vector<std::string> what_;
};

TEST(Health, NamesWhatIsMissing) {
  const Lacking fine({});
  const Lacking waits({"postgres", "broker 127.0.0.1:1883"});
  Health health;
  health.add(fine);
  EXPECT_EQ(health.ready().status, 200);
  EXPECT_EQ(health.ready().body, R"({"status":"ready"})");
  health.add(waits);
  EXPECT_EQ(health.ready().status, 503);
  EXPECT_EQ(health.ready().body, R"({"status":"not ready","missing":[{"role":"control","what":"postgres"},)"
                                 R"({"role":"control","what":"broker 127.0.0.1:1883"}]})");
  EXPECT_EQ(Health::live().status, 200);
}

TEST(Health, AProcessThatEndsIsNotReady) {
  Health health;
  health.drain();
  EXPECT_EQ(health.ready().status, 503);
}

}  // namespace
}  // namespace parley::bridge
