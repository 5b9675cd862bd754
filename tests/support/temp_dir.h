// A folder of a test's own, removed with it.
#ifndef PARLEY_TESTS_SUPPORT_TEMP_DIR_H_
#define PARLEY_TESTS_SUPPORT_TEMP_DIR_H_

#include <filesystem>
#include <string>
#include <string_view>

namespace parley::test {

// Below $TMPDIR or /tmp; readable by others, because a broker started by root reads it as user mosquitto.
// Kept, and its name printed, when PARLEY_KEEP is set.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Both throw std::runtime_error naming the file.
void write_file(const std::filesystem::path& path, std::string_view text);
std::string read_file(const std::filesystem::path& path);

}  // namespace parley::test

#endif
