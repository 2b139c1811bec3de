// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The ways to make one vector of a sequence's tokens, by name.
#pragma once

#include <string_view>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// Poolings. "Sequence tokens" are all but CLS, SEP, EOS, BOS, PAD and MASK (UNK and N count).
enum class pooling {
  cls,       ///< the token that stands for the whole
  mean,      ///< mean over the sequence tokens
  mean_all,  ///< mean over all tokens
  max,       ///< largest value over the sequence tokens, by channel
  tokens     ///< no pooling: one row per token
};

/// Name as the programs write it.
[[nodiscard]] constexpr std::string_view to_string(pooling kind) {
  switch (kind) {
    case pooling::cls: return "cls";
    case pooling::mean: return "mean";
    case pooling::mean_all: return "mean_all";
    case pooling::max: return "max";
    case pooling::tokens: return "tokens";
  }
  return "?";
}

DNALM_END_NAMESPACE
