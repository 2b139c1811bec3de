// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The one exception type: a kind, a stable number, and what / where / expected / found.
///
/// Every number stands in docs/errors.md with one paragraph; a test compares the two lists.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// What went wrong, by who can mend it. The programs turn a kind into an exit code (see exit_code).
enum class error_kind {
  internal,     ///< a defect of dnalm itself
  usage,        ///< a wrong call or command line
  input,        ///< sequences, labels or tables that cannot be used
  format,       ///< a file that breaks its format
  config,       ///< a model configuration that is missing, contradictory or unknown
  shape,        ///< sizes that do not fit together
  numeric,      ///< NaN, infinity or a computation that did not converge
  io,           ///< the operating system refused to read or write
  unsupported,  ///< correct input that needs something not built in
  device,       ///< CUDA or cuBLAS reported a failure
  memory        ///< not enough memory for the budget asked for
};

/// Name of a kind as it appears in `[dnalm.<kind>.<number>]`.
[[nodiscard]] inline std::string_view to_string(error_kind kind) {
  switch (kind) {
    case error_kind::internal: return "internal";
    case error_kind::usage: return "usage";
    case error_kind::input: return "input";
    case error_kind::format: return "format";
    case error_kind::config: return "config";
    case error_kind::shape: return "shape";
    case error_kind::numeric: return "numeric";
    case error_kind::io: return "io";
    case error_kind::unsupported: return "unsupported";
    case error_kind::device: return "device";
    case error_kind::memory: return "memory";
  }
  return "internal";
}

/// Exit code of the programs for a kind: 1 internal, 2 usage, 3 bad input, 4 not supported, 5 device or
/// memory.
[[nodiscard]] inline int exit_code(error_kind kind) {
  switch (kind) {
    case error_kind::internal: return 1;
    case error_kind::usage: return 2;
    case error_kind::unsupported: return 4;
    case error_kind::device:
    case error_kind::memory: return 5;
    default: return 3;
  }
}

/// The parts of a message beside its first sentence; empty ones are left out.
struct error_details {
  std::string where = {};     ///< file, record, line, byte, tensor: where it was seen
  std::string expected = {};  ///< what would have been right
  std::string found = {};     ///< what was there
};

/// Everything dnalm throws on purpose.
///
/// `what()` is one line: `[dnalm.format.203]: what, where, expected ..., found ...`; long parts are
/// shortened.
class error : public std::runtime_error {
 public:
  error(error_kind kind, int number, const std::string& what, const error_details& details = {})
      : std::runtime_error(compose(kind, number, what, details)),
        kind_(kind),
        number_(number),
        details_(details) {}

  [[nodiscard]] error_kind kind() const noexcept { return kind_; }
  [[nodiscard]] int number() const noexcept { return number_; }
  /// `dnalm.<kind>.<number>`.
  [[nodiscard]] std::string id() const { return make_id(kind_, number_); }
  [[nodiscard]] const error_details& details() const noexcept { return details_; }
  /// What went wrong, without the id and the details.
  [[nodiscard]] std::string message() const {
    const std::string line = what();
    const std::size_t begin = id().size() + 4;  // [id]: and a blank
    return line.substr(begin, line.size() - begin - tail(details_).size());
  }

 private:
  static std::string make_id(error_kind kind, int number) {
    std::string id = "dnalm.";
    id.append(to_string(kind)).append(".").append(std::to_string(number));
    return id;
  }
  /// At most 1000 bytes of a part, whole characters: names and values come from files and may be megabytes.
  static std::string shortened(const std::string& part) {
    constexpr std::size_t most = 1000;
    if (part.size() <= most) return part;
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(part[end]) & 0xC0U) == 0x80U) --end;
    return part.substr(0, end) + "...";
  }
  static std::string tail(const error_details& details) {
    std::string words;
    if (!details.where.empty()) words.append(", in ").append(shortened(details.where));
    if (!details.expected.empty()) words.append(", expected ").append(shortened(details.expected));
    if (!details.found.empty()) words.append(", found ").append(shortened(details.found));
    return words;
  }
  static std::string compose(error_kind kind, int number, const std::string& what,
                             const error_details& details) {
    std::string line = "[";
    line.append(make_id(kind, number)).append("]: ").append(what).append(tail(details));
    for (char& letter : line) {
      if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) letter = '?';
    }
    return line;
  }

  error_kind kind_;
  int number_;
  error_details details_;
};

DNALM_END_NAMESPACE
