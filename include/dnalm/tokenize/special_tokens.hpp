// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Numbers of the tokens that stand for no bases.
#pragma once

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// Numbers of special tokens, -1 where the vocabulary has none.
struct special_tokens {
  int cls = -1;
  int sep = -1;
  int pad = -1;
  int mask = -1;
  int unk = -1;
  int eos = -1;
  int bos = -1;

  /// Whether pooling leaves a token out: CLS, SEP, EOS, BOS, PAD and MASK. UNK stands for bases and counts.
  [[nodiscard]] bool is_special(int id) const {
    return id >= 0 && (id == cls || id == sep || id == pad || id == mask || id == eos || id == bos);
  }
};

DNALM_END_NAMESPACE
