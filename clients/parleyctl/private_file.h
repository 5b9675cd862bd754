// Files that hold secrets: never half-written, never readable by others for a moment. All throw Failure
// naming the file.
#ifndef PARLEY_CLIENTS_PARLEYCTL_PRIVATE_FILE_H_
#define PARLEY_CLIENTS_PARLEYCTL_PRIVATE_FILE_H_

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

namespace parley::ctl {

// Nothing when there is no such file.
std::optional<std::string> read_file_if_there(const std::filesystem::path& path);
// True if this call put the file there; false if another process was first. Never replaces one.
bool create_exclusively(const std::filesystem::path& target, const std::string& content, mode_t mode);
// On disk under another name, then renamed. What was there gives its owner to the new one (when we are root).
void replace_file(const std::filesystem::path& target, const std::string& content, mode_t mode);
// With its parents; only the last one gets 0700, and only when it is new.
void make_private_folder(const std::filesystem::path& folder);

// Held by one process at a time, from construction on; the file stays. Waits for the other.
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int fd_;
};

}  // namespace parley::ctl

#endif
