// What a 100-byte text message costs from payload to stored bytes and to JSON. The broker's budget for
// decode, validation and build together is 2 us from FlatBuffers and 2.5 us from JSON. `hash` is the
// yardstick that makes runs on different machines comparable: SHA-256 of the same 100 bytes.
#include <benchmark/benchmark.h>

#include "schemas/message.h"
#include "schemas/token.h"
#include "schemas/topic.h"

namespace parley {
namespace {

const std::string kBody(100, 'x');
const std::string kCid = "5f0c2b9e-8d6b-4a52-9f83-51a2f4f0c111";

Send message() {
  Send send;
  send.cid = kCid;
  send.body = kBody;
  return send;
}

Stamp stamp() {
  return {"general",          Seq{42},          Seq{41}, MessageId{71828182845904523}, "alice", "phone",
          MemberRole::member, 1'763'683'200'123};
}

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void decode(benchmark::State& state, Bytes payload) {
  SendDecoder decoder;
  for (auto _ : state) benchmark::DoNotOptimize(decoder.decode(payload));
}

void decode_and_build(benchmark::State& state, Bytes payload) {
  SendDecoder decoder;
  EventBuilder builder;
  std::size_t size = 0;
  for (auto _ : state) {
    const auto send = decoder.decode(payload);
    size = builder.build(stamp(), *send).size();
    benchmark::DoNotOptimize(size);
  }
  state.counters["event_bytes"] = static_cast<double>(size);
  state.counters["overhead_bytes"] = static_cast<double>(size - kBody.size() - kCid.size() - 7 - 5 - 5);
}

void BM_Sha256Of100Bytes(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(sha256(kBody));
}
void BM_DecodeFlatbuffer(benchmark::State& state) {
  const auto flat = send_to_flatbuffer(message());
  decode(state, flat);
}
void BM_DecodeJson(benchmark::State& state) {
  const std::string json = send_to_json(message());
  decode(state, bytes_of(json));
}
void BM_DecodeText(benchmark::State& state) { decode(state, bytes_of(kBody)); }
void BM_DecodeBuildFlatbuffer(benchmark::State& state) {
  const auto flat = send_to_flatbuffer(message());
  decode_and_build(state, flat);
}
void BM_DecodeBuildJson(benchmark::State& state) {
  const std::string json = send_to_json(message());
  decode_and_build(state, bytes_of(json));
}
void BM_DecodeBuildText(benchmark::State& state) { decode_and_build(state, bytes_of(kBody)); }
void BM_BuildEvent(benchmark::State& state) {
  EventBuilder builder;
  const Send send = message();
  for (auto _ : state) benchmark::DoNotOptimize(builder.build(stamp(), send));
}
void BM_ReadEvent(benchmark::State& state) {
  EventBuilder builder;
  EventReader reader;
  const Bytes event = builder.build(stamp(), message());
  for (auto _ : state) benchmark::DoNotOptimize(reader.read(event));
}
void BM_AppendEventJson(benchmark::State& state) {
  EventBuilder builder;
  const Bytes event = builder.build(stamp(), message());
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_event_json(event, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.counters["json_bytes"] = static_cast<double>(out.size());
}
void BM_ReadEventJson(benchmark::State& state) {
  EventBuilder builder;
  EventReader reader;
  std::string json;
  append_event_json(builder.build(stamp(), message()), json);
  for (auto _ : state) benchmark::DoNotOptimize(reader.read_json(json));
}
void BM_BuildFrameOf50(benchmark::State& state) {
  EventBuilder events;
  FrameBuilder frames;
  const Bytes event = events.build(stamp(), message());
  const std::vector<Bytes> list(50, event);
  for (auto _ : state) benchmark::DoNotOptimize(frames.build("general", list));
  state.counters["per_event_ns"] =
      benchmark::Counter(50, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
void BM_ParseTopic(benchmark::State& state) {
  const std::string topic = "rooms/general/messages";
  for (auto _ : state) benchmark::DoNotOptimize(parse_topic(topic));
}
void BM_VerifyToken(benchmark::State& state) {
  const SigningKey key = SigningKey::generate();
  const KeySet keys = *KeySet::parse(make_jwks({key.jwk()}));
  const std::string token = key.sign({"alice", "phone", "s-1", 1000, 0, TokenRole::user});
  for (auto _ : state) benchmark::DoNotOptimize(keys.verify(token, 1));
}

BENCHMARK(BM_Sha256Of100Bytes);
BENCHMARK(BM_DecodeFlatbuffer);
BENCHMARK(BM_DecodeJson);
BENCHMARK(BM_DecodeText);
BENCHMARK(BM_BuildEvent);
BENCHMARK(BM_DecodeBuildFlatbuffer);
BENCHMARK(BM_DecodeBuildJson);
BENCHMARK(BM_DecodeBuildText);
BENCHMARK(BM_ReadEvent);
BENCHMARK(BM_AppendEventJson);
BENCHMARK(BM_ReadEventJson);
BENCHMARK(BM_BuildFrameOf50);
BENCHMARK(BM_ParseTopic);
BENCHMARK(BM_VerifyToken);

}  // namespace
}  // namespace parley

BENCHMARK_MAIN();
