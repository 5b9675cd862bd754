// How long a caller may take as a whole, however many calls to the metadata it makes: each call ends by its
// own call_timeout_ms, and by what is left of the budget of its thread.
#ifndef PARLEY_STORAGE_CALL_BUDGET_H_
#define PARLEY_STORAGE_CALL_BUDGET_H_

#include <chrono>

namespace parley::storage {

// In force for the thread that makes it, from construction to destruction; one inside another replaces it
// meanwhile. Once `until` has passed, calls answer `unavailable` at once.
class CallBudget {
 public:
  using Clock = std::chrono::steady_clock;

  explicit CallBudget(Clock::time_point until) : before_(until_) { until_ = until; }
  ~CallBudget() { until_ = before_; }
  CallBudget(const CallBudget&) = delete;
  CallBudget& operator=(const CallBudget&) = delete;

  // Clock::time_point::max() when the thread has none.
  static Clock::time_point until() { return until_; }

  // While it lives, time does not count: it is spent on something other than the database.
  class Pause {
   public:
    Pause() = default;
    ~Pause() {
      if (until_ != Clock::time_point::max()) until_ += Clock::now() - began_;
    }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    const Clock::time_point began_ = Clock::now();
  };

 private:
  inline static thread_local Clock::time_point until_ = Clock::time_point::max();
  const Clock::time_point before_;
};

}  // namespace parley::storage

#endif
