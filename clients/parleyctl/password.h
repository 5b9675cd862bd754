// A password from who has it: a person at the terminal, or a file.
#ifndef PARLEY_CLIENTS_PARLEYCTL_PASSWORD_H_
#define PARLEY_CLIENTS_PARLEYCTL_PASSWORD_H_

#include <string>

namespace parley::ctl {

// The first line of `file` ("-": of standard input); with no file, asked at the terminal without showing it,
// `twice` for a new one. Throws Failure, also when there is no terminal, saying what to do.
std::string read_password(const std::string& file, const std::string& user, bool twice);

// 128 random bits, easy to type.
std::string random_password();

}  // namespace parley::ctl

#endif
