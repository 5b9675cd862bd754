#include "config/surroundings.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace parley {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Surroundings : public testing::Test {
 protected:
  Surroundings() {
    std::string name = (std::filesystem::temp_directory_path() / "parley_surroundings_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~Surroundings() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

// A port on which somebody listens.
class Taken {
 public:
  Taken() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, 1), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~Taken() { ::close(fd_); }
  std::uint16_t port() const { return port_; }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

TEST_F(Surroundings, AFileThatCannotBeReadIsNamed) {
  std::ofstream(folder_ / "full") << "x";
  std::ofstream(folder_ / "empty");
  EXPECT_EQ(why_not_readable(folder_ / "full"), "");
  EXPECT_EQ(why_not_readable(folder_ / "empty"), (folder_ / "empty").string() + " is empty");
  EXPECT_THAT(why_not_readable(folder_), HasSubstr("it is a folder"));
  EXPECT_THAT(why_not_readable(folder_ / "gone"), HasSubstr("No such file"));
  if (::geteuid() != 0) {
    std::filesystem::permissions(folder_ / "full", std::filesystem::perms::none);
    EXPECT_THAT(why_not_readable(folder_ / "full"), HasSubstr("permission denied"));
  }
}

TEST_F(Surroundings, AFolderIsTriedAndLeftAsItWas) {
  EXPECT_EQ(why_not_writable(folder_), "");
  EXPECT_EQ(why_not_writable(folder_ / "not" / "yet"), "");
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
  std::ofstream(folder_ / "file") << "x";
  EXPECT_THAT(why_not_writable(folder_ / "file"), HasSubstr("it is no folder"));
  EXPECT_THAT(why_not_writable("/proc/self"), HasSubstr("cannot write to /proc/self"));
}

TEST_F(Surroundings, AFullAndAReadOnlyDiskAreCalledSo) {
  const auto disk = folder_ / "disk";
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=256k") != 0) return;  // no right to mount here
  EXPECT_EQ(why_not_writable(disk), "");
  std::ofstream(disk / "fill") << std::string(512 * 1024, 'x') << std::flush;
  EXPECT_THAT(why_not_writable(disk), HasSubstr("the disk is full"));
  std::filesystem::remove(disk / "fill");
  EXPECT_EQ(::mount(nullptr, disk.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_THAT(why_not_writable(disk), HasSubstr("mounted read-only"));
  EXPECT_EQ(::umount(disk.c_str()), 0);
}

TEST_F(Surroundings, ATakenPortIsToldWithWhoHasIt) {
  const Taken taken;
  EXPECT_THAT(why_not_listen("127.0.0.1", taken.port()),
              AllOf(HasSubstr("port " + std::to_string(taken.port()) + " is taken by another program"),
                    HasSubstr("process " + std::to_string(::getpid()))));
  EXPECT_THAT(why_not_listen("0.0.0.0", taken.port()), HasSubstr("is taken"));
  EXPECT_THAT(why_not_listen("localhost", taken.port()), HasSubstr("is taken"));
  // It will have been given back by then.
  EXPECT_EQ(why_not_listen("127.0.0.1", taken.port(), ::getpid()), "");
  EXPECT_EQ(why_not_listen("127.0.0.1", 0), "");
}

TEST_F(Surroundings, AnAddressOfAnotherMachineIsRefused) {
  EXPECT_THAT(why_not_listen("192.0.2.1", 0), HasSubstr("does not have that address"));
  EXPECT_THAT(why_not_listen("no.such.host.invalid", 1883), HasSubstr("there is no such address"));
  if (::geteuid() != 0) {
    EXPECT_THAT(why_not_listen("127.0.0.1", 81), HasSubstr("1024"));
  }
}

TEST_F(Surroundings, AnAddressIsTakenApart) {
  std::string host;
  std::uint16_t port = 0;
  EXPECT_TRUE(split_address("127.0.0.1:80", host, port));
  EXPECT_EQ(host, "127.0.0.1");
  EXPECT_EQ(port, 80);
  EXPECT_TRUE(split_address("[::1]:1883", host, port));
  EXPECT_EQ(host, "::1");
  for (const char* wrong : {"", "1883", ":1883", "host:", "host:x", "host:1x", "host:70000", "host:-1"})
    EXPECT_FALSE(split_address(wrong, host, port)) << wrong;
}

TEST_F(Surroundings, WhoHoldsALockIsFound) {
  const auto file = folder_ / "LOCK";
  std::ofstream(file) << "";
  EXPECT_EQ(who_locks(file), 0);
  EXPECT_EQ(who_locks(folder_ / "gone"), 0);
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const int fd = ::open(file.c_str(), O_RDWR);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    char ok = ::fcntl(fd, F_SETLK, &lock) == 0 ? 'y' : 'n';
    (void)!::write(ready[1], &ok, 1);
    ::pause();
    ::_exit(0);
  }
  char ok = 0;
  EXPECT_EQ(::read(ready[0], &ok, 1), 1);
  EXPECT_EQ(ok, 'y');
  EXPECT_EQ(who_locks(file), child);
  EXPECT_EQ(who_locks(file, child), 0);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace parley
