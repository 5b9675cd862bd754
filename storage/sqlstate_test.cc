// Every class of SQLSTATE (PostgreSQL 15 to 17, appendix A), and what whoever asked is told.
#include "storage/postgres/sqlstate.h"

#include <gtest/gtest.h>

#include <string>

namespace parley::storage::postgres {
namespace {

std::string name(DbErrorKind kind) {
  switch (kind) {
    case DbErrorKind::lost:
      return "lost";
    case DbErrorKind::timeout:
      return "timeout";
    case DbErrorKind::retry:
      return "retry";
    case DbErrorKind::constraint:
      return "constraint";
    case DbErrorKind::bad_text:
      return "bad_text";
    case DbErrorKind::resources:
      return "resources";
    case DbErrorKind::other:
      break;
  }
  return "other";
}

struct Row {
  const char* want;
  std::vector<const char*> states;
};

TEST(SqlState, EveryClassHasAMeaning) {
  const Row rows[] = {
      {"lost", {"08000", "08001", "08003", "08004", "08006", "08007", "08P01"}},
      {"lost", {"57000", "57P01", "57P02", "57P03", "57P04", "57P05"}},
      {"lost", {"0A000", "26000", "25006", "25P03", "25P04", "53300", "40003"}},
      {"timeout", {"57014", "55P03"}},
      {"retry", {"40000", "40001", "40P01", "72000"}},
      {"constraint", {"23000", "23001", "23502", "23503", "23505", "23514", "23P01", "44000", "40002"}},
      {"bad_text",
       {"22000", "22001", "22003", "22021", "22P02", "22P05", "54000", "54001", "54011", "54023"}},
      {"resources", {"53000", "53100", "53200", "53400"}},
      {"resources", {"58000", "58030", "58P01", "58P02"}},
      {"resources", {"55000", "55006", "55P02", "55P04", "F0000", "F0001"}},
      // What no statement of ours should meet: a fault of the program, or of how the server was set up.
      {"other",
       {"00000", "01000", "02000", "03000", "09000", "0B000", "0F000", "0L000", "0P000", "0Z000", "20000",
        "21000", "24000", "25000", "25001", "25P01", "25P02", "27000", "28000", "28P01", "2B000", "2D000",
        "2F000", "34000", "38000", "39000", "3B000", "3D000", "3F000", "42000", "42501", "42601", "42703",
        "42809", "42P01", "HV000", "P0000", "P0001", "XX000", "XX001", "XX002", "",      "?"}},
  };
  for (const Row& row : rows)
    for (const char* state : row.states) EXPECT_EQ(name(kind_of(state)), row.want) << state;
}

// errcode_for_file_access(): a read-only disk has the code of a privilege that is lacking.
TEST(SqlState, AFileThatCannotBeUsedIsNoLackOfPrivilege) {
  for (const char* state : {"42501", "42809", "XX000"}) {
    for (const char* function :
         {"mdextend", "mdopenfork", "OpenTemporaryFileInTablespace", "XLogFileInitInternal"})
      EXPECT_EQ(name(kind_of(state, function)), "resources") << state << " " << function;
    EXPECT_EQ(name(kind_of(state, "aclcheck_error")), "other") << state;
    EXPECT_EQ(name(kind_of(state, "")), "other") << state;
  }
  EXPECT_EQ(name(kind_of("23505", "mdextend")), "constraint");
}

// What the options say is told apart from a server that is away: only the former is worth stopping for.
TEST(SqlState, KnowsWhatWaitingDoesNotMend) {
  struct {
    bool want;
    const char *state, *message;
  } const rows[] = {
      {true, "28P01", "FATAL:  password authentication failed for user \"parley\""},
      {true, "28P01", "fe_sendauth: no password supplied"},
      {true, "28000", "FATAL:  no pg_hba.conf entry for host \"[local]\""},
      {true, "28000", "FATAL:  role \"stranger\" does not exist"},
      {true, "3D000", "FATAL:  database \"nope\" does not exist"},
      {true, "42501", "FATAL:  permission denied for database \"parley\""},
      {true, "42704", "FATAL:  unrecognized configuration parameter \"statement_timout\""},
      {true, "22023", "FATAL:  invalid value for parameter \"statement_timeout\": \"soon\""},
      {true, "08P01", "FATAL:  no such database: nope"},
      {true, "08P01", "FATAL:  no such user: stranger"},
      {true, "", "server does not support SSL, but SSL was required"},
      {true, "", "SSL error: certificate verify failed"},
      {true, "", "root certificate file \"/nowhere\" does not exist"},
      {true, "", "server certificate for \"a\" does not match host name \"b\""},
      {true, "", "private key file \"k\" has group or world access"},
      {true, "", "channel binding required, but server did not request it"},
      {false, "", ""},
      {false, "", "connection to server on socket \"/x/.s.PGSQL.5432\" failed: No such file or directory"},
      {false, "", "connection to server at \"127.0.0.1\", port 1 failed: Connection refused"},
      {false, "", "could not translate host name \"db.example\" to address: Name or service not known"},
      {false, "", "no answer to the attempt to connect"},
      {false, "", "server closed the connection unexpectedly"},
      {false, "", "SSL SYSCALL error: EOF detected"},
      {false, "57P03", "FATAL:  the database system is starting up"},
      {false, "57P03", "FATAL:  the database system is shutting down"},
      {false, "53300", "FATAL:  sorry, too many clients already"},
      {false, "42501", "FATAL:  could not open file \"global/pg_filenode.map\": Permission denied"},
      {false, "58P01", "FATAL:  could not open file \"base/1/2\""},
      // What poolers pass on, with a state of their own.
      {true, "08P01", "FATAL:  Peer authentication failed for user \"parley\""},
      {true, "08P01", "FATAL:  server login failed: FATAL password authentication failed for user \"p\""},
      {true, "", "FATAL:  database \"nope\" does not exist"},
      {true, "08P01", "FATAL:  role \"nobody\" does not exist"},
      {true, "08P01", "FATAL:  no pg_hba.conf entry for host \"::1\""},
      {false, "08P01", "FATAL:  server login has been failing, try again later (server_login_retry)"},
      {false, "08P01", "FATAL:  server login failed: the database system is starting up"},
  };
  for (const auto& row : rows) EXPECT_EQ(is_refusal(row.state, row.message), row.want) << row.message;
}

}  // namespace
}  // namespace parley::storage::postgres
