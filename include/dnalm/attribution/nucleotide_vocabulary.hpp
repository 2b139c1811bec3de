// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which tokens of a vocabulary are DNA, and how a row of logits over them is read letter by letter.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/view.hpp>
#include <dnalm/tokenize/tokenizer.hpp>

DNALM_BEGIN_NAMESPACE

/// How tokens of several letters give probabilities of one letter. Both look only at tokens of as many
/// letters as the one that stands there; for tokens of one letter they are the same.
enum class letter_reading {
  marginal,    ///< the sum over all tokens that have the letter at this place
  conditional  ///< the one token that has it there and is the sequence's token elsewhere
};

/// The tokens of a vocabulary that consist of A, C, G, T alone.
///
/// Letters are upper case ACGT, lower case acgt, or ACGU (U is read as T): the alphabet of which most tokens
/// are made, of equals the first. N, special tokens and all others are no DNA.
class nucleotide_vocabulary {
 public:
  /// `columns`: numbers of a row of logits; tokens beyond them are left out. \throws error
  /// [dnalm.unsupported.852] a vocabulary without a token of DNA.
  nucleotide_vocabulary(const tokenizer& tokens, index_t columns);

  /// Letters of a token; 0: it is no DNA, or there is no such token.
  [[nodiscard]] index_t letters(std::int32_t id) const {
    const auto at = static_cast<std::size_t>(id);
    return id < 0 || at >= codes_.size() ? 0 : static_cast<index_t>(codes_[at].size());
  }
  /// Letter `at` of a token of DNA: 0 to 3.
  [[nodiscard]] int letter(std::int32_t id, index_t at) const {
    return codes_[static_cast<std::size_t>(id)][static_cast<std::size_t>(at)];
  }

  /// Log-weights (4, letters(id)) of the letters at each place of token `id`, which stands in the sequence:
  /// ln of the sum of e^logit over the tokens that the reading names, in double; -inf where there is none.
  /// Cost: of `marginal` an exponential and letters(id) sums for each token of as many letters.
  [[nodiscard]] nucleotide_map read(vector_view<const float> logits, std::int32_t id,
                                    letter_reading reading) const;

 private:
  [[nodiscard]] nucleotide_map read_marginal(vector_view<const float> logits, index_t length) const;
  [[nodiscard]] nucleotide_map read_conditional(vector_view<const float> logits, std::int32_t id) const;

  std::vector<std::string> codes_;                    // by token: its letters as bytes 0 to 3
  std::vector<std::vector<std::int32_t>> by_length_;  // tokens of so many letters
  std::unordered_map<std::string, std::int32_t> ids_;
};

/// Entropy of softmax(logits) over all its numbers, in bits: 0 to log2 of their number.
[[nodiscard]] double softmax_entropy_bits(vector_view<const float> logits);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/nucleotide_vocabulary_impl.hpp>
#endif
