// The measuring instrument itself: what it counts must be right, and it must notice what it is there to
// notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bench/histogram.h"
#include "tests/bench/load.h"
#include "tests/bench/payload.h"
#include "tests/bench/peer.h"
#include "tests/bench/report.h"
#include "tests/bench/work.h"

namespace parley::bench {
namespace {

using testing::HasSubstr;

TEST(Histogram, PercentilesAreWithinTwoPercent) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile_ms(0.5), 0);
  for (std::uint64_t us = 1; us <= 10'000; ++us) histogram.add(us * 1000);
  EXPECT_NEAR(histogram.percentile_ms(0.5), 5.0, 0.1);
  EXPECT_NEAR(histogram.percentile_ms(0.99), 9.9, 0.2);
  EXPECT_NEAR(histogram.percentile_ms(1), 10.0, 0.2);
  histogram.add(~std::uint64_t{0});
  EXPECT_GT(histogram.percentile_ms(1), 1e12) << "the largest value has a bucket too";
}

TEST(Works, AreNamedOrDescribed) {
  const auto works = parse_works("10x10,3x7,latency@50,idle@5");
  ASSERT_EQ(works.size(), 4u);
  EXPECT_EQ(works[1].rooms, 3);
  EXPECT_EQ(works[1].subscribers, 7);
  EXPECT_EQ(works[2].rate, 50);
  EXPECT_EQ(works[3].kind, Work::Kind::idle);
  EXPECT_EQ(works[3].subscribers, 5);
  EXPECT_EQ(parse_works("all").size(), all_works().size());
  for (const char* wrong : {"", "x", "10x", "0x5", "ten", "latency@", "10x10x10", "-1x5"}) {
    EXPECT_THROW(parse_works(wrong), std::runtime_error) << wrong;
  }
}

TEST(Payload, PacketsCarryTheirNumberTimeAndId) {
  const Stamper stamper(mqtt::Version::v5, "bench/r0001", false, 1, 42);
  std::string bytes;
  stamper.append(bytes, 7, 123'456'789);
  stamper.append(bytes, 65'535, 9'999'999'999);
  mqtt::PacketReader reader(mqtt::Version::v5);
  reader.feed(bytes);
  mqtt::Packet packet;
  ASSERT_EQ(reader.next(packet), mqtt::ReadStatus::packet);
  EXPECT_EQ(packet.packet_id, 8);
  const auto mark = parse_body(packet.payload);
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->publisher, 42u);
  EXPECT_EQ(mark->number, 7u);
  EXPECT_EQ(mark->sent_ns, 123'456'789u);
  ASSERT_EQ(reader.next(packet), mqtt::ReadStatus::packet) << reader.error();
  EXPECT_EQ(packet.packet_id, 1) << "ids start again and are never 0";
  EXPECT_EQ(parse_body(packet.payload)->number, 65'535u);
  EXPECT_FALSE(parse_body("hello"));
  EXPECT_FALSE(parse_body(std::string(100, 'x')));
}

TEST(Payload, ParleyGetsASendWithACidOfItsOwn) {
  const Stamper stamper(mqtt::Version::v311, "rooms/r0001/send", true, 1, 2);
  std::string bytes;
  stamper.append(bytes, 3, 5);
  mqtt::PacketReader reader(mqtt::Version::v311);
  reader.feed(bytes);
  mqtt::Packet packet;
  ASSERT_EQ(reader.next(packet), mqtt::ReadStatus::packet);
  SendDecoder decoder;
  const auto send =
      decoder.decode({reinterpret_cast<const std::uint8_t*>(packet.payload.data()), packet.payload.size()});
  ASSERT_TRUE(send.has_value()) << send.error().message;
  EXPECT_EQ(send->cid, "c0001-0002-0000000003");
  EXPECT_EQ(parse_body(send->body)->number, 3u);
}

// Against bare mosquitto, small enough for any machine.
LoadResult small_run(const Work& work, LoadOptions options = {}) {
  auto peer = make_peer("mosquitto", {});
  peer->start(work);
  options.warm_up_s = 0.2;
  options.seconds = 0.5;
  LoadResult result = run_load(work, *peer, options);
  peer->stop();
  return result;
}

TEST(Load, CountsTheSameWhetherBytesAreReadOrSkipped) {
  const Work work = parse_works("2x5")[0];
  for (const bool listen_all : {false, true}) {
    LoadOptions options;
    options.listen_all = listen_all;
    const LoadResult result = small_run(work, options);
    EXPECT_GT(result.published, 100u);
    // Each accepted message reaches five; what was under way at the window's ends blurs that a little.
    const double per_message = static_cast<double>(result.delivered) / static_cast<double>(result.published);
    EXPECT_NEAR(per_message, 5, 1.5);
    EXPECT_EQ(faults_of(figures_of(result)), "");
    EXPECT_GT(result.latency.total(), 0u);
    EXPECT_GT(result.broker_cpu_s, 0);
  }
}

TEST(Load, SubscribersMayAcknowledge) {
  LoadOptions options;
  options.sub_qos = 1;
  const LoadResult result = small_run(parse_works("2x5")[0], options);
  EXPECT_GT(result.delivered, 0u);
  EXPECT_EQ(faults_of(figures_of(result)), "");
}

TEST(Load, KeepsToARate) {
  const LoadResult result = small_run(parse_works("latency@200")[0]);
  EXPECT_NEAR(static_cast<double>(result.published) / result.seconds, 200, 60);
  EXPECT_EQ(faults_of(figures_of(result)), "");
}

// One whose subscribers hear another topic than the publishers use: everything is lost, and must be seen to
// be.
class DeafPeer : public Peer {
 public:
  DeafPeer() : broker_(make_peer("mosquitto", {})) {}
  std::string name() const override { return "deaf"; }
  void start(const Work& work) override { broker_->start(work); }
  void stop() override { broker_->stop(); }
  std::uint16_t port() const override { return broker_->port(); }
  pid_t pid() const override { return broker_->pid(); }
  std::string receive_topic(int room) const override { return "elsewhere/" + room_name(room); }

 private:
  std::unique_ptr<Peer> broker_;
};

TEST(Load, SeesThatMessagesAreLost) {
  const Work work = parse_works("1x3")[0];
  DeafPeer peer;
  peer.start(work);
  LoadOptions options;
  options.warm_up_s = 0.1;
  options.seconds = 0.2;
  options.drain_s = 0.3;
  options.max_lag = 100;
  const LoadResult result = run_load(work, peer, options);
  peer.stop();
  EXPECT_EQ(result.delivered, 0u);
  EXPECT_EQ(result.lost, 300u) << "a hundred messages to three, then the publishers waited";
  EXPECT_THAT(faults_of(figures_of(result)), HasSubstr("300 lost"));
}

TEST(Peers, SayWhatIsMissing) {
  EXPECT_THROW(make_peer("hivemq", {}), std::runtime_error);
  EXPECT_THROW(make_peer("parley", {.plugin = "/nowhere.so", .config_dir = {}, .settings = {}}),
               std::runtime_error);
  EXPECT_THROW(find_program("no-such-broker", "a-package"), std::runtime_error);
}

TEST(Report, RatiosAreMediansOfEachRoundsRatio) {
  std::vector<RunRecord> runs;
  auto add = [&](const char* peer, int round, double delivered) {
    RunRecord run{.work = "10x10", .peer = peer, .round = round, .figures = {}, .error = {}};
    run.figures.delivered_per_s = delivered;
    runs.push_back(run);
  };
  add("mosquitto", 0, 100);
  add("parley", 0, 400);
  add("mosquitto", 1, 50);  // the machine was busy in this round, for both
  add("parley", 1, 200);
  add("mosquitto", 2, 100);
  add("parley", 2, 410);
  runs.push_back({.work = "10x10", .peer = "nats", .round = 0, .figures = {}, .error = "it fell over"});
  const ReportHead head{.sub_qos = 0, .seconds = 1, .rounds = 3, .baseline = "mosquitto"};
  const std::string text = table(head, parse_works("10x10"), {"mosquitto", "parley", "nats"}, runs);
  EXPECT_THAT(text, HasSubstr("4.00x"));
  EXPECT_THAT(text, HasSubstr("FAILED: it fell over"));
  EXPECT_THAT(json(head, runs), HasSubstr("\"delivered_per_s\""));
}

}  // namespace
}  // namespace parley::bench
