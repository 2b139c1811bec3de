// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief An error about one sequence of a list, which a caller with another list can pass on as its own.
#pragma once

#include <string>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// An error that knows which sequence of the list of a call it is about. Its place in the message begins with
/// `sequence N`, counted from 1, or with the sequence's name.
///
/// Who calls with a list of its own making (mutants, blocks of a file) catches it and throws what `of` or
/// `named` gives: so the message is about the caller's sequence.
class sequence_error : public error {
 public:
  /// `sequence` counts from 0; `details.where` says where in the sequence; `name` (empty: `sequence N`) is
  /// what the message calls it.
  sequence_error(error_kind kind, int number, const std::string& what, index_t sequence,
                 const error_details& details, const std::string& name = {});

  /// From 0, in the list of the call that threw.
  [[nodiscard]] index_t sequence() const noexcept { return sequence_; }
  /// The same error of sequence `sequence` of another list; `place` (may be empty) stands before where it
  /// was.
  [[nodiscard]] sequence_error of(index_t sequence, const std::string& place = {}) const;
  /// The same error, the sequence called `sequence 'NAME'`.
  [[nodiscard]] sequence_error named(const std::string& name) const;

 private:
  [[nodiscard]] static error_details placed(index_t sequence, error_details details, std::string name);

  std::string what_;
  std::string place_;
  index_t sequence_;
};

inline error_details sequence_error::placed(index_t sequence, error_details details, std::string name) {
  if (name.empty()) name = "sequence " + std::to_string(sequence + 1);
  details.where = details.where.empty() ? name : name + ": " + details.where;
  return details;
}

inline sequence_error::sequence_error(error_kind kind, int number, const std::string& what, index_t sequence,
                                      const error_details& details, const std::string& name)
    : error(kind, number, what, placed(sequence, details, name)),
      what_(what),
      place_(details.where),
      sequence_(sequence) {}

inline sequence_error sequence_error::of(index_t sequence, const std::string& place) const {
  const std::string between = place.empty() || place_.empty() ? "" : ": ";
  return {kind(), number(), what_, sequence, {place + between + place_, details().expected, details().found}};
}

inline sequence_error sequence_error::named(const std::string& name) const {
  return {kind(),
          number(),
          what_,
          sequence_,
          {place_, details().expected, details().found},
          "sequence '" + name + "'"};
}

DNALM_END_NAMESPACE
