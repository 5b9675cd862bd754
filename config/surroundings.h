// What options name outside of their own file, tried out without changing anything: so that a configuration
// is found wrong before a process that runs with another one is stopped. Each function gives nothing when all
// is well, else what is wrong and what to do about it.
#ifndef PARLEY_CONFIG_SURROUNDINGS_H_
#define PARLEY_CONFIG_SURROUNDINGS_H_

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace parley {

std::string why_not_readable(const std::filesystem::path& file);

// A folder that is there takes a small file; one that is not can be made.
std::string why_not_writable(const std::filesystem::path& folder);

// Whether a process could listen there. What the process `replacing` (0: none) has, it will have given back.
std::string why_not_listen(const std::string& host, std::uint16_t port, pid_t replacing = 0);

// "host:port", "[::1]:port"; false when it is neither.
bool split_address(std::string_view text, std::string& host, std::uint16_t& port);

// Who else than `mine` holds a lock (fcntl(2)) on the file: its process, 0 when nobody does.
pid_t who_locks(const std::filesystem::path& file, pid_t mine = 0);

}  // namespace parley

#endif
