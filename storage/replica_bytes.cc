#include "storage/replica_bytes.h"

#include "storage/log_bytes.h"

namespace parley::storage {
namespace {
constexpr std::size_t kPrefix = 2;  // generation and type
}

FactKey& FactKey::set(Generation generation, FactType type, std::string_view name) {
  text_.clear();
  text_.push_back(static_cast<char>(generation));
  text_.push_back(static_cast<char>(type));
  text_.append(name);
  return *this;
}

FactKey& FactKey::set(Generation generation, FactType type, std::string_view first, std::string_view second) {
  set(generation, type, first);
  text_.push_back('\0');
  text_.append(second);
  return *this;
}

FactKey& FactKey::set_end(Generation generation, FactType type, std::string_view first) {
  set(generation, type, first);
  text_.push_back('\1');
  return *this;
}

std::optional<NamePair> parse_pair(std::string_view key) {
  if (key.size() < kPrefix) return std::nullopt;
  key.remove_prefix(kPrefix);
  const auto zero = key.find('\0');
  if (zero == std::string_view::npos) return std::nullopt;
  return NamePair{.first = key.substr(0, zero), .second = key.substr(zero + 1)};
}

std::optional<FactType> fact_type(std::string_view key) {
  if (key.size() < kPrefix || key[1] < 1 || key[1] > static_cast<char>(FactType::tokens_of_user))
    return std::nullopt;
  return static_cast<FactType>(key[1]);
}

std::string_view sha_text(const Sha256& sha256) {
  return {reinterpret_cast<const char*>(sha256.data()), sha256.size()};
}

std::string state_value(const ReplicaState& state) {
  std::string value(1, static_cast<char>(state.generation));
  return value.append(Fixed64(state.position.version).view()).append(Fixed64(state.position.mark).view()) +
         kReplicaForm;
}

std::optional<ReplicaState> parse_state(std::string_view value) {
  constexpr std::size_t kFirst = 1 + kFixed64;        // before 005_change_marks.sql
  constexpr std::size_t kMarked = kFirst + kFixed64;  // before 006_owners.sql
  constexpr std::size_t kFormed = kMarked + 1;
  if (value.size() != kFirst && value.size() != kMarked && value.size() != kFormed) return std::nullopt;
  const auto generation = static_cast<Generation>(value[0]);
  if (generation < kFirstGeneration || generation > kLastGeneration) return std::nullopt;
  const bool formed = value.size() == kFormed && value[kMarked] >= kReplicaForm;
  return ReplicaState{.generation = generation,
                      .position = {get_fixed64(value.data() + 1),
                                   formed ? get_fixed64(value.data() + kFirst) : kMarkOfNoChange}};
}

std::string member_value(const MemberPut& member) {
  std::string value(1, static_cast<char>(member.role));
  return value.append(Fixed64(member.since).view());
}

std::optional<ControlOp> parse_fact(std::string_view key, std::string_view value) {
  const auto type = fact_type(key);
  if (!type) return std::nullopt;
  if (*type != FactType::member) {
    auto op = parse_control_op(value);
    if (!op) return std::nullopt;
    return std::move(*op);
  }
  const auto names = parse_pair(key);
  if (!names || value.size() != 1 + kFixed64 || value[0] > static_cast<char>(MemberRole::owner))
    return std::nullopt;
  return MemberPut{.room = std::string(names->first),
                   .user = std::string(names->second),
                   .role = static_cast<MemberRole>(value[0]),
                   .since = Seq{get_fixed64(value.data() + 1)}};
}

}  // namespace parley::storage
