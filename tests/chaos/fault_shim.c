/* A library for LD_PRELOAD that lets a test play a bad disk and a bad clock to a broker, without root and
 * without touching the machine:
 *
 *  - it writes down what has been made durable below one folder, so that after a kill -9 the test can throw
 * away what a power failure would have (fault_shim.h, drop_unsynced());
 *  - it answers "no space left" to writes below that folder while the test says so;
 *  - it moves the wall clock by what the test says.
 *
 * PARLEY_SHIM_FOLDER   the folder, absolute
 * PARLEY_SHIM_JOURNAL  the file that is appended to, one line an event:
 *                        C path          created
 *                        S size path     data up to this size synced (the size is taken before the sync
 * starts) D path          directory synced: the names in it are durable R old<TAB>new   renamed U path
 * removed PARLEY_SHIM_SWITCHES a file of struct switches (fault_shim.h), mapped, changed by the test at any
 * time
 *
 * A line is written after the real call has returned and before its caller learns of it: killed in between,
 * the sync does not count, though nobody was told of it either. Only a rename is written down before.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct switches {
  volatile int32_t disk_full;
  volatile int32_t sync_fails;
  volatile int64_t clock_offset_ms;
};

static char folder[PATH_MAX];
static size_t folder_length;
static int journal = -1;
static struct switches no_switches;
static struct switches* switches = &no_switches;

/* Resolved on first use as well as at load: other libraries' constructors may run before ours. */
#define REAL(name)               \
  static __typeof__(&name) real; \
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void start(void) {
  const char* name = getenv("PARLEY_SHIM_FOLDER");
  if (name == NULL || strlen(name) + 1 >= sizeof folder) return;
  strcpy(folder, name);
  folder_length = strlen(folder);
  /* Opened now: the broker may still be root and lose the right to later. */
  const char* file = getenv("PARLEY_SHIM_JOURNAL");
  if (file != NULL) journal = open(file, O_WRONLY | O_APPEND | O_CLOEXEC);
  file = getenv("PARLEY_SHIM_SWITCHES");
  int fd = file != NULL ? open(file, O_RDWR | O_CLOEXEC) : -1;
  if (fd >= 0) {
    void* map = mmap(NULL, sizeof *switches, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) switches = map;
    close(fd);
  }
}

static int is_below(const char* path) {
  return folder_length > 0 && strncmp(path, folder, folder_length) == 0 &&
         (path[folder_length] == '/' || path[folder_length] == 0);
}

static void note(const char* format, ...) {
  char line[2 * PATH_MAX + 64];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (journal < 0 || length <= 0) return;
  REAL(write);
  int saved = errno;
  /* One write with O_APPEND, so lines of several threads do not mix. */
  if (real(journal, line, (size_t)length) != length) abort();
  errno = saved;
}

static int path_of(int fd, char* path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return 1;
}

/* Asked of the system each time: a table of descriptors would miss what the C library closes by itself, and
 * take the socket that gets the number next for a file. */
static int full(int fd) {
  char path[PATH_MAX];
  int saved = errno;
  int is_full = switches->disk_full && path_of(fd, path) && is_below(path);
  errno = saved;
  return is_full;
}

static int open_noted(int (*call)(const char*, int, ...), const char* path, int flags, mode_t mode) {
  if (!is_below(path)) return call(path, flags, mode);
  int created = (flags & O_CREAT) != 0 && access(path, F_OK) != 0;
  if (created && switches->disk_full) {
    errno = ENOSPC;
    return -1;
  }
  int fd = call(path, flags, mode);
  if (fd >= 0 && created) note("C %s\n", path);
  return fd;
}

#define OPEN(name)                                               \
  int name(const char* path, int flags, ...) {                   \
    REAL(name);                                                  \
    mode_t mode = 0;                                             \
    if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) { \
      va_list arguments;                                         \
      va_start(arguments, flags);                                \
      mode = va_arg(arguments, mode_t);                          \
      va_end(arguments);                                         \
    }                                                            \
    return open_noted(real, path, flags, mode);                  \
  }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void* data, size_t size) {
  REAL(write);
  if (full(fd)) {
    errno = ENOSPC;
    return -1;
  }
  return real(fd, data, size);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  REAL(pwrite);
  if (full(fd)) {
    errno = ENOSPC;
    return -1;
  }
  return real(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  REAL(pwrite64);
  if (full(fd)) {
    errno = ENOSPC;
    return -1;
  }
  return real(fd, data, size, at);
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  REAL(writev);
  if (full(fd)) {
    errno = ENOSPC;
    return -1;
  }
  return real(fd, parts, count);
}

#define ALLOCATE(name, type)                             \
  int name(int fd, int mode, type offset, type length) { \
    REAL(name);                                          \
    if (full(fd)) {                                      \
      errno = ENOSPC;                                    \
      return -1;                                         \
    }                                                    \
    return real(fd, mode, offset, length);               \
  }
ALLOCATE(fallocate, off_t)
ALLOCATE(fallocate64, off64_t)

static int sync_noted(int (*call)(int), int fd) {
  char path[PATH_MAX];
  struct stat before;
  if (!path_of(fd, path) || !is_below(path) || fstat(fd, &before) != 0) return call(fd);
  if (switches->sync_fails) {
    errno = EIO;
    return -1;
  }
  int result = call(fd);
  if (result != 0) return result;
  if (S_ISDIR(before.st_mode)) {
    note("D %s\n", path);
  } else {
    note("S %lld %s\n", (long long)before.st_size, path);
  }
  return result;
}

int fsync(int fd) {
  REAL(fsync);
  return sync_noted(real, fd);
}

int fdatasync(int fd) {
  REAL(fdatasync);
  return sync_noted(real, fd);
}

int rename(const char* from, const char* to) {
  REAL(rename);
  /* Before the call, unlike the others: what a rename brought about without the journal knowing, a test could
   * not take back. One that fails, which none here does, would count as done. */
  if (is_below(to)) note("R %s\t%s\n", from, to);
  return real(from, to);
}

int unlink(const char* path) {
  REAL(unlink);
  int result = real(path);
  if (result == 0 && is_below(path)) note("U %s\n", path);
  return result;
}

#define STATVFS(name, type)                                                                     \
  int name(const char* path, struct type* out) {                                                \
    REAL(name);                                                                                 \
    int result = real(path, out);                                                               \
    if (result == 0 && switches->disk_full && is_below(path)) out->f_bavail = out->f_bfree = 0; \
    return result;                                                                              \
  }
STATVFS(statvfs, statvfs)
STATVFS(statvfs64, statvfs64)

#define FSTATVFS(name, type)                                                       \
  int name(int fd, struct type* out) {                                             \
    REAL(name);                                                                    \
    int result = real(fd, out);                                                    \
    char path[PATH_MAX];                                                           \
    if (result == 0 && switches->disk_full && path_of(fd, path) && is_below(path)) \
      out->f_bavail = out->f_bfree = 0;                                            \
    return result;                                                                 \
  }
FSTATVFS(fstatvfs, statvfs)
FSTATVFS(fstatvfs64, statvfs64)

int clock_gettime(clockid_t clock, struct timespec* out) {
  REAL(clock_gettime);
  int result = real(clock, out);
  int64_t offset = switches->clock_offset_ms;
  if (result != 0 || offset == 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
    return result;
  int64_t nanoseconds = out->tv_nsec + offset % 1000 * 1000000;
  out->tv_sec += offset / 1000;
  if (nanoseconds < 0) {
    nanoseconds += 1000000000;
    --out->tv_sec;
  } else if (nanoseconds >= 1000000000) {
    nanoseconds -= 1000000000;
    ++out->tv_sec;
  }
  out->tv_nsec = nanoseconds;
  return result;
}

int gettimeofday(struct timeval* restrict out, void* restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}
