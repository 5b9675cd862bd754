// The JWKS file: read at start, on SIGHUP and whenever it changes. A file that cannot be used leaves the
// present keys in force and is complained about once for each change.
#ifndef PARLEY_BROKER_PLUGIN_KEY_FILE_H_
#define PARLEY_BROKER_PLUGIN_KEY_FILE_H_

#include <boost/system/result.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "schemas/token.h"

namespace parley::plugin {

class KeyFile {
 public:
  explicit KeyFile(std::filesystem::path path) : path_(std::move(path)) {}

  using Read = boost::system::result<std::shared_ptr<const KeySet>, std::string>;
  // Reads whatever is there now.
  Read read();
  // Reads only when the file is another than at the last read; nothing when it is the same. One thread.
  std::optional<Read> read_if_changed();

 private:
  struct Stamp {
    std::int64_t modified_ns = 0;
    std::uint64_t size = 0;
    std::uint64_t inode = 0;
    bool operator==(const Stamp&) const = default;
  };
  Stamp stamp() const;

  std::filesystem::path path_;
  Stamp last_;
};

}  // namespace parley::plugin

#endif
