#include "storage/postgres/sqlstate.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace parley::storage::postgres {
namespace {

struct Meaning {
  std::string_view states;  // a state, or what it begins with
  DbErrorKind kind;
};

// The first that fits counts: single states before their class.
constexpr std::array kMeanings = {
    // Shutting down, starting up, out of connections: this server is of no use now.
    Meaning{"08", DbErrorKind::lost},
    // A prepared statement whose tables changed below it, or that a pooler has not kept: a new connection
    // prepares it anew.
    Meaning{"0A000", DbErrorKind::lost}, Meaning{"26000", DbErrorKind::lost},
    Meaning{"22", DbErrorKind::bad_text}, Meaning{"23", DbErrorKind::constraint},
    Meaning{"25006", DbErrorKind::lost},  // read-only: a standby that was the primary
    Meaning{"25P03", DbErrorKind::lost},  // idle_in_transaction_session_timeout
    Meaning{"25P04", DbErrorKind::lost},  // transaction_timeout
    Meaning{"40002", DbErrorKind::constraint},
    Meaning{"40003", DbErrorKind::lost},  // whether the statement was completed is not known
    Meaning{"40", DbErrorKind::retry}, Meaning{"44", DbErrorKind::constraint},
    Meaning{"53300", DbErrorKind::lost},  // no connections left
    Meaning{"53", DbErrorKind::resources},
    Meaning{"54",
            DbErrorKind::bad_text},  // what was sent is longer than the server can hold (in an index, say)
    Meaning{"55P03", DbErrorKind::timeout},  // lock_timeout
    Meaning{"55", DbErrorKind::resources},   // not in the state for it: in recovery, in use by a rebuild
    Meaning{"57014", DbErrorKind::timeout},  // statement_timeout, or somebody cancelled it
    Meaning{"57", DbErrorKind::lost},        // the operator's: shutdown, crash, the database dropped
    Meaning{"58", DbErrorKind::resources},   // input and output
    Meaning{"72", DbErrorKind::retry},       // snapshot too old
    Meaning{"F0", DbErrorKind::resources},   // the server's own configuration
};

// The states that PostgreSQL gives to errors of files by their errno, beside those of classes 53 and 58:
// EACCES and EROFS, ENOTDIR and EISDIR, and all the rest (EDQUOT, ESTALE).
constexpr std::array<std::string_view, 3> kFileStates = {"42501", "42809", "XX000"};
// Where files are read and written: storage/file/fd.c, storage/smgr/md.c, access/transam/xlog.c,
// storage/file/buffile.c.
constexpr std::array<std::string_view, 18> kFileFunctions = {"mdopen",
                                                             "mdopenfork",
                                                             "mdcreate",
                                                             "mdextend",
                                                             "mdzeroextend",
                                                             "mdread",
                                                             "mdreadv",
                                                             "mdwrite",
                                                             "mdwritev",
                                                             "mdsyncfiletag",
                                                             "mdimmedsync",
                                                             "_mdfd_getseg",
                                                             "BufFileDumpBuffer",
                                                             "BufFileLoadBuffer",
                                                             "OpenTemporaryFile",
                                                             "OpenTemporaryFileInTablespace",
                                                             "XLogFileInitInternal",
                                                             "XLogWrite"};

// No such user or database, or a wrong password; an option for the server that it does not know.
constexpr std::array<std::string_view, 5> kRefusals = {"28", "3D", "22023", "42601", "42704"};
// The same without a state of their own: of the right to connect (which shares its state with files that
// cannot be opened), of PgBouncer, and of libpq, once it has reached a server.
constexpr std::array<std::string_view, 6> kRefusalsSaid = {
    "permission denied for database", "no such database",  "no such user",
    "authentication failed",          "\" does not exist", "no pg_hba.conf entry"};
constexpr std::array<std::string_view, 5> kLocalRefusals = {"SSL", "certificate", "private key",
                                                            "channel binding", "authentication method"};

template <std::size_t N>
bool holds_any(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

}  // namespace

DbErrorKind kind_of(std::string_view state, std::string_view function) {
  const bool of_files = std::find(kFileStates.begin(), kFileStates.end(), state) != kFileStates.end();
  if (of_files && std::find(kFileFunctions.begin(), kFileFunctions.end(), function) != kFileFunctions.end())
    return DbErrorKind::resources;
  for (const Meaning& meaning : kMeanings)
    if (state.starts_with(meaning.states)) return meaning.kind;
  return DbErrorKind::other;
}

bool is_refusal(std::string_view state, std::string_view message) {
  if (std::any_of(kRefusals.begin(), kRefusals.end(),
                  [&](std::string_view one) { return state.starts_with(one); }) ||
      holds_any(message, kRefusalsSaid))
    return true;
  // "SSL SYSCALL error": the network or the server has ended the connection meanwhile.
  return state.empty() && holds_any(message, kLocalRefusals) &&
         message.find("SYSCALL") == std::string_view::npos;
}

}  // namespace parley::storage::postgres
