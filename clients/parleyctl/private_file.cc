#include "clients/parleyctl/private_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "clients/parleyctl/context.h"
#include "clients/parleyctl/key_store.h"

namespace parley::ctl {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& doing, const fs::path& path) {
  throw Failure("cannot " + doing + " " + path.string() + ": " + std::strerror(errno));
}

// A file beside `target` holding `content` on disk, to be renamed or linked into place.
fs::path write_beside(const fs::path& target, const std::string& content, mode_t mode) {
  fs::path temp = target.string() + "." + random_hex_id() + ".tmp";
  const int fd = ::open(temp.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) fail("create", temp);
  std::size_t done = 0;
  bool ok = true;
  while (ok && done < content.size()) {
    const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    if (ok) done += static_cast<std::size_t>(n);
  }
  ok = ok && ::fchmod(fd, mode) == 0 && ::fsync(fd) == 0;
  const int saved = errno;
  ::close(fd);
  if (!ok) {
    ::unlink(temp.c_str());
    errno = saved;
    fail("write", target);
  }
  return temp;
}

// The name as well, or a power failure may take back what somebody has been told is there. Where a folder
// cannot be synced, that is as good as it gets.
void sync_folder_of(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)::fsync(fd);
  ::close(fd);
}

}  // namespace

std::optional<std::string> read_file_if_there(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    if (errno == ENOENT) return std::nullopt;
    fail("read", path);
  }
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool create_exclusively(const fs::path& target, const std::string& content, mode_t mode) {
  const fs::path temp = write_beside(target, content, mode);
  const bool linked = ::link(temp.c_str(), target.c_str()) == 0;
  const int saved = errno;
  ::unlink(temp.c_str());
  errno = saved;
  if (!linked && errno != EEXIST) fail("create", target);
  if (linked) sync_folder_of(target);
  return linked;
}

void replace_file(const fs::path& target, const std::string& content, mode_t mode) {
  const fs::path temp = write_beside(target, content, mode);
  struct stat before {};
  bool ok = true;
  if (::geteuid() == 0 && ::lstat(target.c_str(), &before) == 0) {
    ok = ::chown(temp.c_str(), before.st_uid, before.st_gid) == 0;
  }
  if (!ok || ::rename(temp.c_str(), target.c_str()) != 0) {
    const int saved = errno;
    ::unlink(temp.c_str());
    errno = saved;
    fail("write", target);
  }
  sync_folder_of(target);
}

void make_private_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder.parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) fail("create", folder);
}

FileLock::FileLock(const fs::path& path) : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  if (fd_ < 0) fail("create", path);
  while (::flock(fd_, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const int saved = errno;
    ::close(fd_);
    errno = saved;
    fail("lock", path);
  }
}

FileLock::~FileLock() { ::close(fd_); }

}  // namespace parley::ctl
