// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Runs a function in a child process with limits, and brings back the bytes it writes.
///
/// For code of others that reads hostile input: if it crashes, loops or asks for too much memory, the child
/// ends and the caller gets an error. The child can open no file but the one it is given.
///
/// A child has one thread of the parent and the locks of all: one that another thread held at the fork is
/// never given back. glibc's allocator takes care of that, others (the address sanitizer's) do not, so a
/// child that stands still is ended and, if it had written nothing, started again.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <exception>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DNALM_UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define DNALM_UNDER_SANITIZER 1
#endif
#endif

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// What a child may use.
struct isolation_limits {
  index_t memory = index_t{1} << 30;  ///< beyond what the parent has
  index_t seconds = 60;               ///< of the processor
  index_t still = 20;                 ///< seconds without use of the processor and without an answer
  int attempts = 4;                   ///< as long as each child stands still before its first byte
  index_t answer = index_t{1} << 30;  ///< bytes that it writes
};

/// Takes the bytes a child writes, in pieces.
using byte_receiver = std::function<void(std::span<const std::byte>)>;

/// Frames on the pipe: one letter, a length of 8 bytes, as many bytes. D data, E error, F finished.
struct frame_head {
  char kind = 0;
  std::uint64_t size = 0;
};

/// The child's end of the pipe. It ends the process when the parent is gone.
class child_output {
 public:
  explicit child_output(int descriptor) : descriptor_(descriptor) {}

  void write(std::span<const std::byte> bytes) const { frame('D', bytes); }
  void fail(const error& problem) const {
    const auto kind = static_cast<int>(problem.kind());
    std::string text = std::to_string(kind) + " " + std::to_string(problem.number()) + " " + problem.what();
    frame('E', std::as_bytes(std::span<const char>(text.data(), text.size())));
  }
  void finish() const { frame('F', {}); }

 private:
  void frame(char kind, std::span<const std::byte> bytes) const {
    std::array<std::byte, 9> head{};
    head[0] = static_cast<std::byte>(kind);
    for (std::size_t i = 0; i < 8; ++i) head[i + 1] = static_cast<std::byte>(bytes.size() >> (8 * i));
    put(head);
    put(bytes);
  }
  void put(std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t taken = ::write(descriptor_, bytes.data(), bytes.size());
      if (taken < 0 && errno == EINTR) continue;
      if (taken < 0) ::_exit(1);
      bytes = bytes.subspan(static_cast<std::size_t>(taken));
    }
  }

  int descriptor_;
};

inline void set_limit(int what, index_t value) {
  const rlimit limit{static_cast<rlim_t>(value), static_cast<rlim_t>(value)};
  (void)::setrlimit(static_cast<decltype(RLIMIT_CPU)>(what), &limit);
}

/// Bytes of address space this process uses, 0 when the system does not tell.
[[nodiscard]] inline index_t address_space() {
  std::ifstream in("/proc/self/statm");
  index_t pages = 0;
  return in >> pages ? pages * static_cast<index_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

/// Files a child can have open beside those of the parent. The sanitizers look at memory through a pipe.
#if !defined(DNALM_UNDER_SANITIZER)
inline constexpr index_t isolated_files = 1;
#else
inline constexpr index_t isolated_files = 3;
#endif

/// Signals as at the start of a program, no core file, no words on stderr, memory, time and open files
/// limited: one file can be open at a time beside those of the parent.
inline void confine_child(int pipe, const isolation_limits& limits, index_t space) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGPIPE, SIGXCPU, SIGTERM, SIGINT}) {
    (void)std::signal(signal, SIG_DFL);
  }
  const int silence = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (silence >= 0) {
    (void)::dup2(silence, STDERR_FILENO);
    ::close(silence);
  }
  set_limit(RLIMIT_CORE, 0);
  set_limit(RLIMIT_CPU, limits.seconds);
  set_limit(RLIMIT_FSIZE, 0);
#if !defined(DNALM_UNDER_SANITIZER)
  if (space > 0) set_limit(RLIMIT_AS, space + limits.memory);
#else
  (void)space;
#endif
  const int free = ::dup(pipe);  // the lowest free number: the next file gets it
  ::close(free);
  if (free >= 0) set_limit(RLIMIT_NOFILE, free + isolated_files);
}

/// What the child does. Never returns, and ends by SIGABRT what would be thrown beyond it; no destructor or
/// exit handler of the parent's objects runs.
template <class Task>
[[noreturn]] void run_child(int pipe, const isolation_limits& limits, index_t space, Task& task) noexcept {
  const child_output output(pipe);
  try {
    confine_child(pipe, limits, space);
    task(output);
    output.finish();
  } catch (const error& problem) {
    output.fail(problem);
  } catch (const std::exception&) {
    ::_exit(1);
  }
  ::_exit(0);
}

/// A child that is ended and waited for, whatever happens.
class child_guard {
 public:
  explicit child_guard(pid_t child) : child_(child) {}
  child_guard(const child_guard&) = delete;
  child_guard& operator=(const child_guard&) = delete;
  ~child_guard() {
    (void)::kill(child_, SIGKILL);
    while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  /// Nanoseconds of the processor it has used; -1 when the system does not tell.
  [[nodiscard]] std::int64_t processor_time() const {
    clockid_t clock{};
    timespec used{};
    if (::clock_getcpuclockid(child_, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return -1;
    return static_cast<std::int64_t>(used.tv_sec) * 1'000'000'000 + used.tv_nsec;
  }

 private:
  pid_t child_;
};

/// How a child ended: with all it had to say, early or with nonsense, or not at all.
enum class child_end { finished, failed, stood_still };

/// The parent's end of the pipe.
class parent_input {
 public:
  explicit parent_input(int descriptor) : descriptor_(descriptor) {}
  parent_input(const parent_input&) = delete;
  parent_input& operator=(const parent_input&) = delete;
  ~parent_input() { ::close(descriptor_); }

  /// Gives all data of `child` to `receive`. \throws what the child threw.
  [[nodiscard]] child_end read(const child_guard& child, const isolation_limits& limits,
                               const byte_receiver& receive);

 private:
  [[nodiscard]] bool wait();
  [[nodiscard]] bool take(std::byte* to, std::size_t size);
  [[nodiscard]] bool take_head(frame_head& head);
  [[nodiscard]] bool take_all(index_t most, const byte_receiver& receive);

  int descriptor_;
  const child_guard* child_ = nullptr;
  index_t still_ = 0;    // seconds
  index_t seconds_ = 0;  // of the processor
  bool begun_ = false;
  bool stood_still_ = false;
};

/// Waits for bytes or the end of the pipe; false when the child has stood still for too long. Looks each
/// second and counts looks, not time: a parent that was stopped itself blames nobody.
inline bool parent_input::wait() {
  std::int64_t before = -2;
  index_t most = still_;
  for (index_t idle = 0; idle <= most;) {
    pollfd watched{.fd = descriptor_, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&watched, 1, 1000);
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;  // read() tells what it is
    if (ready < 0) continue;
    const std::int64_t used = child_->processor_time();
    idle = used == before ? idle + 1 : 1;
    most = used < 0 ? still_ + seconds_ : still_;  // it may be busy
    before = used;
  }
  stood_still_ = true;
  return false;
}

inline bool parent_input::take(std::byte* to, std::size_t size) {
  while (size > 0) {
    if (!wait()) return false;
    const ssize_t got = ::read(descriptor_, to, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    begun_ = true;
    to += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

inline bool parent_input::take_head(frame_head& head) {
  std::array<std::byte, 9> bytes{};
  if (!take(bytes.data(), bytes.size())) return false;
  head.kind = static_cast<char>(bytes[0]);
  head.size = 0;
  for (std::size_t i = 9; i-- > 1;) head.size = head.size << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  return true;
}

/// Throws an error that a child described: kind, number, text.
[[nodiscard]] inline bool throw_again(std::string_view text) {
  int numbers[2] = {-1, -1};
  for (int& number : numbers) {
    const std::size_t space = text.find(' ');
    if (space == 0 || space > 6) return false;
    number = 0;
    for (const char digit : text.substr(0, space)) number = number * 10 + (digit - '0');
    text.remove_prefix(space + 1);
  }
  if (numbers[0] < 0 || numbers[0] > static_cast<int>(error_kind::memory)) return false;
  const std::size_t head = text.find("]: ");
  if (head != std::string_view::npos) text.remove_prefix(head + 3);
  throw error(static_cast<error_kind>(numbers[0]), numbers[1], std::string(text));
}

inline bool parent_input::take_all(index_t most, const byte_receiver& receive) {
  std::array<std::byte, 1 << 16> piece{};
  frame_head head;
  while (take_head(head)) {
    if (head.kind == 'F') return true;
    if (head.kind == 'E') {
      std::string text(std::min<std::uint64_t>(head.size, 4096), '\0');
      return take(reinterpret_cast<std::byte*>(text.data()), text.size()) && throw_again(text);
    }
    if (head.kind != 'D' || head.size > static_cast<std::uint64_t>(most)) return false;
    most -= static_cast<index_t>(head.size);
    while (head.size > 0) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(head.size, piece.size()));
      if (!take(piece.data(), size)) return false;
      receive(std::span<const std::byte>(piece).first(size));
      head.size -= size;
    }
  }
  return false;
}

inline child_end parent_input::read(const child_guard& child, const isolation_limits& limits,
                                    const byte_receiver& receive) {
  child_ = &child;
  still_ = limits.still;
  seconds_ = limits.seconds;
  if (take_all(limits.answer, receive)) return child_end::finished;
  return stood_still_ && !begun_ ? child_end::stood_still : child_end::failed;
}

/// One child, from fork to end.
template <class Task>
[[nodiscard]] child_end run_one_child(const isolation_limits& limits, const byte_receiver& receive,
                                      Task& task) {
  const auto fail = [](const char* what) {
    throw error(error_kind::io, 291, "cannot start a process that reads the file",
                {.where = what, .found = std::strerror(errno)});
  };
  const index_t space = address_space();
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
  parent_input input(ends[0]);
  const pid_t child = ::fork();
  if (child < 0) {
    ::close(ends[1]);
    fail("fork");
  }
  if (child == 0) run_child(ends[1], limits, space, task);
  ::close(ends[1]);
  const child_guard guard(child);
  return input.read(guard, limits, receive);
}

/// Runs `task(output)` in a child; what it writes goes to `receive`. False when the child crashed, broke a
/// limit, stood still or wrote nonsense. \throws error [dnalm.io.291] when there can be no child; what the
/// task threw.
template <class Task>
[[nodiscard]] bool run_isolated(const isolation_limits& limits, const byte_receiver& receive, Task&& task) {
  for (int attempt = 0; attempt < limits.attempts; ++attempt) {
    const child_end end = run_one_child(limits, receive, task);
    if (end != child_end::stood_still) return end == child_end::finished;
  }
  return false;
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
