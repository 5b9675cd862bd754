#include "storage/rocks_errors.h"

#include "storage/rocks_files.h"

namespace parley::storage {

bool is_disk_full(const rocksdb::Status& status) {
  return status.IsNoSpace() ||
         (status.IsIOError() && status.ToString().find(kNoSpaceText) != std::string::npos);
}

LogError to_log_error(const rocksdb::Status& status) {
  // no_slowdown answers Incomplete where a write would have had to wait.
  if (status.IsIncomplete() || status.IsBusy() || status.IsTryAgain()) return LogError::stalled;
  if (is_disk_full(status)) return LogError::disk_full;
  if (status.IsCorruption()) return LogError::corrupt;
  if (status.IsNotFound()) return LogError::not_found;
  return LogError::io_error;
}

std::string open_error_message(const rocksdb::Status& status, const std::filesystem::path& path,
                               std::string_view what) {
  const std::string text = status.ToString();
  const std::string folder = path.string();
  const auto has = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  std::string message = "cannot open the " + std::string(what) + " in " + folder + ": ";
  if (has("lock hold by current process") || has("While lock file")) {
    if (!has("Permission denied")) {
      return message + "the folder is in use by another process (" + text +
             "); stop that one, or give this one a data folder of its own";
    }
  }
  if (has("While mkdir")) {
    return message + "the folder cannot be made (" + text +
           "); make its parent a folder that the user this process runs as may write to";
  }
  if (has("Permission denied") || has("Read-only file system")) {
    return message + "not writable (" + text +
           "); make the folder belong to the user this process runs as, e.g. chown -R mosquitto " + folder;
  }
  if (is_disk_full(status))
    return message + "the disk is full (" + text + "); free some space and start again";
  if (status.IsCorruption()) {
    return message + "its files are damaged (" + text +
           "); move the folder away and restore a backup, or start with an empty folder";
  }
  if (status.IsInvalidArgument()) {
    return message + "it was not written by this version (" + text +
           "); use the version that wrote it, or give an empty folder";
  }
  return message + text;
}

}  // namespace parley::storage
