// The HTTP/1.1 server: connections, bounds, timeouts, and the threads that run handlers.
//
// Two or three kinds of threads: I/O threads ("http-io-N") own the connections and never block; a pool's
// workers run handlers ("http-work", "http-password"), which may. A request goes from its connection's I/O
// thread to a worker and back; one connection has one request under way at a time, the following ones wait in
// its socket.
//
// Built, filled with endpoints, started, stopped by one thread (main). port() and stats() from any.
#ifndef PARLEY_BRIDGE_HTTP_SERVER_H_
#define PARLEY_BRIDGE_HTTP_SERVER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bridge/http/request.h"
#include "bridge/http/response.h"
#include "config/bridge_config.h"

namespace parley::bridge {
class Metrics;
}

namespace parley::http {

struct Endpoint {
  // io: on the I/O thread itself, for what takes microseconds and must answer even when all workers are busy.
  enum class Lane : std::uint8_t { io, work, password };
  Method method = Method::get;
  std::string path;  // as Router::add() takes it
  std::function<Response(const Request&)> handler;
  Lane lane = Lane::work;
};

class Server {
 public:
  // `password_workers` threads and as long a queue for Lane::password. Both references outlive the server.
  Server(const HttpConfig& config, std::size_t password_workers, std::size_t password_queue,
         bridge::Metrics& metrics);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Before start(). Throws std::invalid_argument for what Router::add() refuses.
  void add(Endpoint endpoint);

  // Throws as start() does for what is wrong with the certificate, and does nothing else.
  void check() const;
  // Listens. Throws std::runtime_error, saying what to change, when it cannot (address in use, bad
  // certificate).
  void start();
  std::uint16_t port() const;  // after start()

  // Accepts nothing more, lets requests under way finish for at most `drain`, closes what is left, ends the
  // threads. May be called twice.
  void stop(std::chrono::milliseconds drain = std::chrono::seconds(5));

  struct Stats {
    std::size_t connections = 0;
    std::size_t queued = 0;  // requests waiting for a worker
  };
  Stats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::http

#endif
