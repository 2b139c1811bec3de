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

namespace detail {

/// What messages call sequence `number` (from 0) of a list: `sequence 1` is the first.
[[nodiscard]] inline std::string sequence_words(index_t number) {
  return "sequence " + std::to_string(number + 1);
}
/// What messages call a sequence with a name.
[[nodiscard]] inline std::string sequence_words(const std::string& name) {
  return "sequence '" + name + "'";
}

}  // namespace detail

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
  /// was. A name is lost: the other list may call the sequence otherwise (`named`).
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
  if (name.empty()) name = detail::sequence_words(sequence);
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
          detail::sequence_words(name)};
}

namespace detail {

/// What `work(words)` gives, where `words` are what messages call sequence `sequence` of a list. An error
/// whose place begins with them comes as a sequence_error: the same kind, number and details.
template <class Work>
auto about_sequence(index_t sequence, const std::string& words, const Work& work) {
  try {
    return work(words);
  } catch (const sequence_error&) {
    throw;
  } catch (const error& problem) {
    error_details details = problem.details();
    if (words.empty() || details.where.rfind(words, 0) != 0) throw;
    details.where.erase(0, words.size());
    if (details.where.rfind(", ", 0) == 0 || details.where.rfind(": ", 0) == 0) details.where.erase(0, 2);
    throw sequence_error(problem.kind(), problem.number(), problem.message(), sequence, details, words);
  }
}
/// The same for a sequence without a name.
template <class Work>
auto about_sequence(index_t sequence, const Work& work) {
  return about_sequence(sequence, sequence_words(sequence), work);
}

}  // namespace detail

DNALM_END_NAMESPACE
