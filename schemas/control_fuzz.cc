// Control operations and requests, JSON and FlatBuffers. What is accepted must survive both encodings.
#include <cstdlib>

#include "schemas/control.h"

namespace {
void require(bool holds) {
  if (!holds) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto op = parse_control_op(text)) {
    const std::string json = to_json(*op);
    const auto again = parse_control_op(json);
    require(again && to_json(*again) == json);
    const auto flat = control_ops_from_flatbuffer(control_ops_to_flatbuffer({*op}));
    require(flat && flat->size() == 1 && to_json(flat->front()) == json);
  }
  if (const auto request = parse_control_request(text)) {
    const std::string json = to_json(*request);
    const auto again = parse_control_request(json);
    require(again && to_json(*again) == json);
  }
  if (const auto ops = control_ops_from_flatbuffer({data, size})) {
    for (const ControlOp& op : *ops) require(parse_control_op(to_json(op)).has_value());
  }
  return 0;
}
