// Turns the bytes of a connection into requests. No sockets, no clock: bytes in, requests out; Boost.Beast
// stays in the .cc. One thread at a time.
//
// Life of one request: feed() until state() is `head`; look at request() and decide; read_body(); feed()
// until state() is `done`; take the request; next(). `failed` at any time means: answer with fault() and
// close.
#ifndef PARLEY_BRIDGE_HTTP_REQUEST_READER_H_
#define PARLEY_BRIDGE_HTTP_REQUEST_READER_H_

#include <cstddef>
#include <memory>
#include <string_view>

#include "bridge/http/request.h"
#include "bridge/http/response.h"

namespace parley::http {

class RequestReader {
 public:
  RequestReader(std::size_t header_bytes, std::size_t body_bytes);
  ~RequestReader();

  enum class State {
    reading_head,
    head,  // the header is there; waits for read_body()
    reading_body,
    done,
    failed,
  };
  State state() const { return state_; }
  // Takes bytes and gives how many of them it used: none beyond the end of the header or the request, and,
  // while it waits for the rest of a line, none at all: offer those again with more behind them.
  std::size_t feed(std::string_view bytes);
  // After `head`. May go to `done` at once, when there is no body.
  void read_body();
  // After `done` or `head`: ready for the next request of the connection.
  void next();

  // From `head` on: method, target, path, query and headers; from `done` on the body too. When it failed, or
  // after take_headers(): the headers that had come by then, at least.
  Request& request() { return request_; }
  void take_headers();
  bool keep_alive() const { return keep_alive_; }  // what the client would like
  bool has_body() const;                           // from `head` on: one is announced
  bool expects_continue() const { return expects_continue_; }
  const Problem& fault() const { return fault_; }

 private:
  struct Parser;
  void take_head();
  void fail(unsigned status, std::string_view code, std::string message);

  const std::size_t header_bytes_;
  const std::size_t body_bytes_;
  std::unique_ptr<Parser> parser_;
  State state_ = State::reading_head;
  Request request_;
  bool keep_alive_ = true;
  bool expects_continue_ = false;
  Problem fault_{};
};

}  // namespace parley::http

#endif
