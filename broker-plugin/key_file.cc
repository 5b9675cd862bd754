#include "broker-plugin/key_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace parley::plugin {

KeyFile::Stamp KeyFile::stamp() const {
  struct stat s {};
  if (stat(path_.c_str(), &s) != 0) return {};
  return {std::int64_t{s.st_mtim.tv_sec} * 1'000'000'000 + s.st_mtim.tv_nsec,
          static_cast<std::uint64_t>(s.st_size), s.st_ino};
}

KeyFile::Read KeyFile::read() {
  last_ = stamp();
  std::ifstream file(path_, std::ios::binary);
  if (!file)
    return "cannot read the keys in " + path_.string() + ": " + std::strerror(errno) +
           "; `parleyctl keys init` makes them";
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto keys = KeySet::parse(text);
  if (!keys) return "the keys in " + path_.string() + " cannot be used: " + keys.error();
  return std::make_shared<const KeySet>(std::move(*keys));
}

std::optional<KeyFile::Read> KeyFile::read_if_changed() {
  if (stamp() == last_) return std::nullopt;
  return read();
}

}  // namespace parley::plugin
