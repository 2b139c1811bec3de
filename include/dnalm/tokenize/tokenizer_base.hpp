// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The interface that the kinds of tokenizers implement.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/sequence/alphabet.hpp>
#include <dnalm/tokenize/special_tokens.hpp>
#include <dnalm/tokenize/tokens.hpp>

DNALM_BEGIN_NAMESPACE

/// What a kind of tokenizer has to offer. Immutable after construction.
class tokenizer_base {
 public:
  virtual ~tokenizer_base() = default;
  /// Tokens of a text taken literally, those that frame it (CLS, SEP) included.
  [[nodiscard]] virtual token_sequence encode(std::string_view text) const = 0;
  /// Tokens of a sequence under a policy for letters; `where` names it in messages. `literal` is encode. By
  /// default the other policies read DNA, as normalize_sequence; tokenizers of other alphabets say otherwise.
  /// \throws error [dnalm.input.150] and [dnalm.input.151] as normalize_sequence.
  [[nodiscard]] virtual token_sequence encode_sequence(std::string_view sequence, unknown_policy policy,
                                                       const std::string& where) const {
    if (policy == unknown_policy::literal) return encode(sequence);
    return encode(normalize_sequence(sequence, policy, where));
  }
  /// Whether encode_sequence reads the letters of DNA as normalize_sequence does; no: it has letters of its
  /// own.
  [[nodiscard]] virtual bool reads_dna() const { return true; }
  [[nodiscard]] virtual const special_tokens& special() const = 0;
  [[nodiscard]] virtual index_t vocabulary_size() const = 0;
  [[nodiscard]] virtual const std::string& token(int id) const = 0;
  [[nodiscard]] virtual index_t model_max_length() const = 0;
  [[nodiscard]] virtual std::string description() const = 0;
};

namespace detail {

/// Text of token `id` of a vocabulary. \throws error [dnalm.input.300] when there is no such number.
[[nodiscard]] inline const std::string& token_text(const std::vector<std::string>& tokens, int id) {
  if (id < 0 || static_cast<std::size_t>(id) >= tokens.size()) {
    throw error(error_kind::input, 300, "token number out of range",
                {.expected = "0 to " + std::to_string(static_cast<index_t>(tokens.size()) - 1),
                 .found = std::to_string(id)});
  }
  return tokens[static_cast<std::size_t>(id)];
}

}  // namespace detail

DNALM_END_NAMESPACE
