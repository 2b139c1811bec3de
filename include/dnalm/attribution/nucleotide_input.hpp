// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How nucleotides enter a model: words' rows as a function of weights of A, C, G and T, and its
/// adjoint.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tokenize/tokens.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {
class kmer_rows;
class lazy_kmer_rows;
}  // namespace detail

/// What the tokens of a model are made of.
enum class nucleotide_entry {
  letters,  ///< one base a token
  kmers,    ///< k bases a token, overlapping or not; single bases where fewer are left
  pieces  ///< tokens of many lengths (BPE): a base has no row of its own, nucleotide gradients are undefined
};

/// `letters`, `k-mers`, `pieces`.
[[nodiscard]] constexpr std::string_view to_string(nucleotide_entry entry) {
  switch (entry) {
    case nucleotide_entry::letters: return "letters";
    case nucleotide_entry::kmers: return "k-mers";
    case nucleotide_entry::pieces: return "pieces";
  }
  return "?";
}

/// Weights of the nucleotides at the positions of a sequence, or the gradient of a number by them.
///
/// One-hot columns are the sequence itself. A reference token (N, the mask token) may take part with a weight
/// of its own: baselines that are no sequence of bases.
struct nucleotide_weights {
  nucleotide_map letters = {};        ///< p[a, i]
  std::vector<double> rest = {};      ///< (L) weight q[i] of the reference token; empty: 0 everywhere
  std::int32_t reference_token = -1;  ///< its number; -1: none
};

/// The tokens of a sequence and which of them its bases make.
struct nucleotide_layout {
  token_sequence tokens = {};  ///< as model::tokenize gives them
  index_t length = 0;          ///< bases L
  std::vector<std::int8_t> letters =
      {};  ///< by token: bases whose weights make its row; 0: fixed (CLS, N, tokens with N)
};

/// The map from nucleotide weights to words' rows of a model, and its adjoint.
///
/// Token t of bases i, ..., i + k - 1 has the row
///
///     row(t) = sum over a_1 ... a_k of p[a_1, i] ... p[a_k, i + k - 1] E[a_1 ... a_k] + mean(q) E[reference]
///
/// E the word table: the multilinear extension of the table look-up; for k = 1 the sum of p[a, i] E[a]. At
/// one-hot weights it is the row of the token. Overlapping k-mers read a base's weights several times. Fixed
/// tokens (CLS, EOS, N and tokens that hold N or another letter) have the rows that the model gives them,
/// whatever the weights. Immutable; copies share their memory.
class nucleotide_input {
 public:
  /// Finds the tokens of bases by the model's tokenizer. Memory: 4 V D bytes for letters and k-mers.
  /// \throws error [dnalm.config.405] a model without a tokenizer.
  explicit nucleotide_input(const model& network);

  [[nodiscard]] nucleotide_entry entry() const { return entry_; }
  /// Bases of a token: 1 for letters, k for k-mers, 0 for pieces.
  [[nodiscard]] int token_letters() const { return token_letters_; }
  /// Number of the token of a lone base (0 to 3); -1: the tokenizer has none.
  [[nodiscard]] std::int32_t letter_token(int base) const {
    return letter_tokens_[static_cast<std::size_t>(base)];
  }
  /// Number of the token of N; -1 where N is no token of one position (k-mers, pieces, alphabets without N).
  [[nodiscard]] std::int32_t unknown_token() const { return unknown_token_; }
  /// Number of the mask token; -1: none.
  [[nodiscard]] std::int32_t mask_token() const { return mask_token_; }
  /// \throws error [dnalm.unsupported.804] for pieces.
  void require_nucleotides() const;

  /// Tokenises a sequence; `where` names it. \throws as model::tokenize.
  [[nodiscard]] nucleotide_layout layout(std::string_view sequence,
                                         const std::string& where = "sequence") const;

  /// rows (T, D) = the words' rows of a layout at `weights`. Sums in double, in a fixed order. Cost: O(D) a
  /// k-mer of weight other than 0: one for one-hot columns, 4^k where all weights are positive.
  /// \throws error [dnalm.unsupported.804], [dnalm.shape.808] weights or rows of another size, or a reference
  /// token that the model has not.
  void rows(const nucleotide_layout& layout, const nucleotide_weights& weights,
            matrix_view<float> rows) const;
  void rows(const nucleotide_layout& layout, const nucleotide_weights& weights,
            matrix_view<double> rows) const;

  /// Whether `gradient` at these weights needs the gradient by the one-hot tokens (gradient_request::tokens)
  /// beside that by the words' rows: k-mers of which some column is not one-hot.
  [[nodiscard]] bool needs_tokens(const nucleotide_layout& layout, const nucleotide_weights& weights) const;

  /// `result` = the gradient by letters and, where `weights` has a reference token, by `rest`, of a number
  /// whose gradient by the words' rows is `words` (T, D) and by the one-hot tokens `tokens` (T, V; looked at
  /// where needs_tokens). Columns of bases in fixed tokens are 0. Cost at one-hot columns: 4 products of D
  /// numbers a base. \throws as rows; error [dnalm.shape.808] `tokens` is needed and not there.
  void gradient(const nucleotide_layout& layout, const nucleotide_weights& weights,
                matrix_view<const float> words, matrix_view<const float> tokens,
                nucleotide_weights& result) const;
  void gradient(const nucleotide_layout& layout, const nucleotide_weights& weights,
                matrix_view<const double> words, matrix_view<const double> tokens,
                nucleotide_weights& result) const;

 private:
  void find_tokens();
  void check(const nucleotide_layout& layout, const nucleotide_weights& weights, index_t rows,
             index_t columns) const;
  template <class T>
  void fill_rows(const nucleotide_layout& layout, const nucleotide_weights& weights,
                 matrix_view<T> rows) const;
  [[nodiscard]] const detail::kmer_rows* packed_kmers() const;
  void fill_products(const nucleotide_layout& layout, const nucleotide_weights& weights,
                     std::span<const index_t> tokens, matrix_view<float> rows) const;
  template <class T>
  void fill_gradient(const nucleotide_layout& layout, const nucleotide_weights& weights,
                     matrix_view<const T> words, matrix_view<const T> tokens,
                     nucleotide_weights& result) const;
  [[nodiscard]] const float* word(std::int32_t id) const { return words_->view().row_data(id); }
  /// Number of the token of `letters` bases, by its place in the order of A, C, G, T.
  [[nodiscard]] std::int32_t token_of(int letters, index_t place) const {
    return letters == 1 && token_letters_ != 1 ? letter_tokens_[static_cast<std::size_t>(place)]
                                               : kmer_tokens_[static_cast<std::size_t>(place)];
  }

  model network_;
  nucleotide_entry entry_ = nucleotide_entry::pieces;
  int token_letters_ = 0;
  std::array<std::int32_t, 4> letter_tokens_ = {-1, -1, -1, -1};
  std::vector<std::int32_t> kmer_tokens_ = {};  // 4^k, the first base counts most; for letters 4
  std::int32_t unknown_token_ = -1;
  std::int32_t mask_token_ = -1;
  std::shared_ptr<const matrix<float>> words_ = {};         // (V, D)
  std::shared_ptr<detail::lazy_kmer_rows> kmer_rows_ = {};  // for weights of many k-mers
};

/// One-hot weights of a sequence.
[[nodiscard]] inline nucleotide_weights one_hot_weights(std::string_view sequence) {
  return {.letters = one_hot_map(sequence)};
}

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/nucleotide_input_impl.hpp>
#endif
