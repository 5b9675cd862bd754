// Internal to bridge/http: one client's connection. Lives on one I/O thread, which makes every call here.
#ifndef PARLEY_BRIDGE_HTTP_CONNECTION_H_
#define PARLEY_BRIDGE_HTTP_CONNECTION_H_

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bridge/http/answer.h"
#include "bridge/http/client_address.h"
#include "bridge/http/request_reader.h"
#include "bridge/http/router.h"

namespace parley::http {

using SteadyTime = std::chrono::steady_clock::time_point;

class Connection;

// What a connection asks of its server.
class Host {
 public:
  virtual ~Host() = default;
  virtual const HttpConfig& config() const = 0;
  virtual const std::vector<AddressRange>& trusted_proxies() const = 0;
  virtual const Router& router() const = 0;
  virtual const AnswerWriter& answers() const = 0;
  virtual bool draining() const = 0;
  // Has the request answered, here or on a worker; `done` runs on any thread. `route` is the router's number.
  virtual void handle(const Request& request, std::size_t route,
                      const std::function<void(Response)>& done) = 0;
  // For requests no handler saw.
  virtual void refused(unsigned status) = 0;
  // The connection is over; drops the server's reference.
  virtual void closed(Connection& connection) = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::io_context& io, Host& host, ClientAddress remote);
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  // Ends it now, whatever it is doing.
  void close();
  // No new request after the one under way.
  void drain();
  // Closes, or says why, when a deadline has passed. Called every now and then.
  void check_time(SteadyTime now);
  // Has nothing to lose: between requests or still sending its first line. Since when?
  std::optional<SteadyTime> waiting_since() const;

 protected:
  virtual void do_handshake() = 0;                                           // then on_ready()
  virtual void do_read(boost::asio::mutable_buffer into) = 0;                // then on_read()
  virtual void do_write(std::array<boost::asio::const_buffer, 2> from) = 0;  // then on_written()
  virtual void do_shutdown() = 0;                                            // no more is sent
  virtual boost::asio::ip::tcp::socket& socket() = 0;

  void on_ready(const boost::system::error_code& error);
  void on_read(const boost::system::error_code& error, std::size_t count);
  void on_written(const boost::system::error_code& error);

 private:
  enum class Phase { handshake, idle, head, body, handling, writing, lingering, closed };
  void enter(Phase phase, std::chrono::milliseconds limit);
  void step();
  void read_more();
  void take_head();
  void handle();
  void finish(Response response);
  void answer(Response response, bool close);
  void linger();

  boost::asio::io_context& io_;
  Host& host_;
  const ClientAddress remote_;
  RequestReader reader_;
  std::string input_;  // read, not yet taken by the reader: from input_at_ on
  std::size_t input_at_ = 0;
  std::array<char, 8192> buffer_;
  bool reading_ = false;
  bool stepping_ = false;
  std::size_t route_ = 0;
  Phase phase_ = Phase::handshake;
  SteadyTime since_{};
  SteadyTime deadline_{};
  std::size_t drained_ = 0;
  bool close_after_ = false;
  bool interim_ = false;  // what is being written is 100 Continue
  std::string head_;
  std::string body_;
};

// `tls` null: in the clear.
std::shared_ptr<Connection> make_connection(boost::asio::io_context& io, Host& host,
                                            boost::asio::ip::tcp::socket socket, ClientAddress remote,
                                            boost::asio::ssl::context* tls);

}  // namespace parley::http

#endif
