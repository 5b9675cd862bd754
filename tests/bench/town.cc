#include "tests/bench/town.h"

#include <algorithm>

namespace parley::bench {

Town::Town(std::uint64_t memberships)
    : rooms(std::max<std::uint64_t>(10, memberships / kRoomMembers)),
      users(std::max<std::uint64_t>(200, memberships / 10)) {
  members = rooms * kRoomMembers;
}

void Town::fill(test::PostgresCluster& postgres, const std::string& url) const {
  const std::string last_user = std::to_string(users - 1);
  const std::string last_room = std::to_string(rooms - 1);
  postgres.sql(url,
               "INSERT INTO users (name, display_name, limits, created_ms) "
               "SELECT 'user' || i, 'User ' || i, 'unlimited', 0 FROM generate_series(0, " +
                   last_user + ") i");
  postgres.sql(url,
               "INSERT INTO rooms (room, kind, name, access, pin_role, creator, created_ms, members, limits) "
               "SELECT 'room' || r, 0, 'Room ' || r, 0, 3, 'user0', 0, " +
                   std::to_string(kRoomMembers) + ", 'unlimited' FROM generate_series(0, " + last_room +
                   ") r");
  // 61 shares no factor with a power of ten, so that neighbours' rooms are not the same ones.
  postgres.sql(url,
               "INSERT INTO members (room, user_name, role, joined_ms) "
               "SELECT 'room' || r, 'user' || ((r::bigint * 61 + m) % " +
                   std::to_string(users) + "), CASE WHEN r = 0 AND m = 0 THEN 4 ELSE 2 END, 0 " +
                   "FROM generate_series(0, " + last_room + ") r, generate_series(0, " +
                   std::to_string(kRoomMembers - 1) + ") m");
  postgres.sql(url, "VACUUM ANALYZE");
}

void make_durable(test::PostgresCluster& postgres) {
  const std::string url = test::PostgresCluster::url("postgres", postgres.socket_folder());
  for (const char* setting : {"fsync = on", "full_page_writes = on", "shared_buffers = '128MB'"})
    postgres.sql(url, std::string("ALTER SYSTEM SET ") + setting);
  postgres.stop();
  postgres.start();
}

}  // namespace parley::bench
