// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A progress line for long work: how much is done, how fast, how long still.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <mutex>
#include <string>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// When a progress line is shown: on a terminal only, never (`--quiet`), or always (tests).
enum class progress_display { terminal, never, always };

/// A duration for people: `7 s`, `3 min 20 s`, `2 h 05 min`. Negative and non-finite ones are `?`.
[[nodiscard]] inline std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e9) return "?";
  const auto whole = static_cast<index_t>(std::llround(seconds));
  const auto two_digits = [](index_t n) { return std::to_string(n / 10) + std::to_string(n % 10); };
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return std::to_string(whole / 60) + " min " + two_digits(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + two_digits(whole % 3600 / 60) + " min";
}

/// The text of a progress line after `seconds` of work.
///
/// `label [########------------]  40 %  400/1000  123/s  5 s left`; without a total only count and rate.
[[nodiscard]] inline std::string progress_text(const std::string& label, index_t done, index_t total,
                                               double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0.0;
  char number[48];
  std::snprintf(number, sizeof number, rate < 10 ? "%.1f/s" : "%.0f/s", rate);
  std::string text = label;
  if (total > 0) {
    const double share = std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
    const auto filled = static_cast<std::size_t>(share * 20.0);
    char percent[16];
    std::snprintf(percent, sizeof percent, "%3d %%", static_cast<int>(share * 100.0));
    text.append(" [").append(filled, '#').append(20 - filled, '-').append("] ").append(percent);
    text.append("  ").append(std::to_string(done)).append("/").append(std::to_string(total));
  } else {
    text.append("  ").append(std::to_string(done));
  }
  if (done > 0) text.append("  ").append(number);
  if (done > 0 && total > done) {
    text.append("  ").append(duration_text(static_cast<double>(total - done) / rate)).append(" left");
  }
  return text;
}

/// Counts finished items and shows them on stderr, at most ten times a second; safe to call from any thread.
///
/// Nothing is written unless the stream is a terminal. The line is erased when the work ends (finish() or the
/// destructor), so that results and errors stand alone.
class progress {
 public:
  /// \param label what is counted, e.g. `embedding`. \param total items in all, 0 when unknown.
  explicit progress(std::string label, index_t total = 0,
                    progress_display display = progress_display::terminal, std::FILE* stream = stderr)
      : label_(std::move(label)),
        total_(total),
        stream_(stream),
        shown_(display == progress_display::always ||
               (display == progress_display::terminal && ::isatty(::fileno(stream)) == 1)),
        start_(clock::now()),
        last_(start_) {}
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress() { finish(); }

  /// `items` more are done.
  void advance(index_t items = 1) {
    const std::lock_guard lock(guard_);
    done_ += items;
    const auto now = clock::now();
    if (!shown_ || finished_ || now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    show(progress_text(label_, done_, total_, std::chrono::duration<double>(now - start_).count()));
  }
  /// Erases the line; later advance() calls only count.
  void finish() {
    const std::lock_guard lock(guard_);
    if (finished_) return;
    finished_ = true;
    if (width_ == 0) return;
    show("");
    std::fputc('\r', stream_);
    std::fflush(stream_);
  }
  /// Items done so far.
  [[nodiscard]] index_t done() const {
    const std::lock_guard lock(guard_);
    return done_;
  }

 private:
  using clock = std::chrono::steady_clock;

  void show(const std::string& text) {
    const std::size_t blank = width_ > text.size() ? width_ - text.size() : 0;
    std::fprintf(stream_, "\r%s%s", text.c_str(), std::string(blank, ' ').c_str());
    std::fflush(stream_);
    width_ = text.size();
  }

  mutable std::mutex guard_;
  std::string label_;
  index_t total_;
  index_t done_ = 0;
  std::FILE* stream_;
  bool shown_;
  bool finished_ = false;
  std::size_t width_ = 0;
  clock::time_point start_;
  clock::time_point last_;
};

DNALM_END_NAMESPACE
