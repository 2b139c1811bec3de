// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Windows over sequences that are longer than a model takes: where they lie, and which tokens count
/// in which.
#pragma once

#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// Whether and how long sequences are cut. Off by default: then a sequence that is too long is an error.
///
/// A sequence is tokenised as a whole and cut between tokens, so k-mers keep their frame. Each window is run
/// by itself, with the framing tokens (CLS, EOS) that the tokenizer adds and positions from the start.
struct window_rule {
  /// Stands for the most tokens that the model takes; nothing is cut for a model without a limit.
  static constexpr index_t model_limit = -1;

  index_t tokens = 0;   ///< of a window, framing tokens included; 0: off; a sequence with no more is not cut
  index_t overlap = 0;  ///< tokens that neighbouring windows share, framing tokens not counted
};

/// `max` (the model's limit) or a number of tokens. \throws error [dnalm.usage.461] for anything else.
[[nodiscard]] index_t parse_window(std::string_view text);

/// One window on tokens 0 ... T - 1 (without the framing ones): it runs on [begin, end) and answers for
/// [keep_begin, keep_end).
struct token_window {
  index_t begin = 0;
  index_t end = 0;
  index_t keep_begin = 0;
  index_t keep_end = 0;

  friend bool operator==(const token_window&, const token_window&) = default;
};

/// Windows of `capacity` tokens over `tokens` tokens; one when they fit.
///
/// Window w begins at w (capacity - overlap); the last one ends with the sequence and begins where it then
/// has its full length, so every token is seen with as much context as there can be. A token in several
/// windows belongs to the one in which it is farther from the nearer cut, the earlier one when both are
/// equal; so every token belongs to exactly one window, and the kept parts follow each other. \throws error
/// [dnalm.usage.460] when capacity is below 1 or overlap is not within 0 ... capacity - 1. Cost: linear in
/// the windows.
[[nodiscard]] std::vector<token_window> plan_windows(index_t tokens, index_t capacity, index_t overlap);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/embed/detail/window_rule_impl.hpp>
#endif
