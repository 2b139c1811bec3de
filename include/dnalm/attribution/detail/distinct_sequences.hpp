// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Sequences collected for one call of a function, each distinct one once.
#pragma once

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <dnalm/attribution/sequence_function.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/progress.hpp>
#include <dnalm/core/sequence_error.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Collects requests until they fill a budget, evaluates the distinct sequences among them in one call, and
/// hands each request its row.
///
/// `Receive` is called as receive(key, row of C values), in the order of the requests; receive.refuse(key,
/// problem) throws an error about a sequence as one about the request that asked for it first.
template <class Key, class Receive>
class distinct_sequences {
 public:
  distinct_sequences(const sequence_function& f, index_t memory, progress* watcher, Receive receive)
      : f_(f), memory_(memory), watcher_(watcher), receive_(std::move(receive)) {}

  void add(Key key, std::string sequence) {
    const auto [known, added] = places_.try_emplace(sequence, sequences_.size());
    requests_.emplace_back(std::move(key), known->second);
    if (added) {
      bytes_ += 2 * static_cast<index_t>(sequence.size()) + 64 + 8 * f_.outputs;
      sequences_.push_back(std::move(sequence));
    }
    if (bytes_ >= memory_) flush();
  }
  /// Evaluates what is left.
  void flush() {
    if (requests_.empty()) return;
    const std::vector<double> values = evaluate();
    const auto columns = static_cast<std::size_t>(f_.outputs);
    for (const auto& [key, place] : requests_) {
      receive_(key, std::span<const double>(values).subspan(place * columns, columns));
    }
    if (watcher_ != nullptr) watcher_->advance(static_cast<index_t>(sequences_.size()));
    sequences_.clear();
    places_.clear();
    requests_.clear();
    bytes_ = 0;
  }

 private:
  [[nodiscard]] std::vector<double> evaluate() const {
    try {
      return f_(sequences_);
    } catch (const sequence_error& problem) {
      for (const auto& [key, place] : requests_) {
        if (static_cast<index_t>(place) == problem.sequence()) receive_.refuse(key, problem);
      }
      throw;
    }
  }

  const sequence_function& f_;
  index_t memory_;
  progress* watcher_;
  Receive receive_;
  std::vector<std::string> sequences_;
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<std::pair<Key, std::size_t>> requests_;
  index_t bytes_ = 0;
};

}  // namespace detail
DNALM_END_NAMESPACE
