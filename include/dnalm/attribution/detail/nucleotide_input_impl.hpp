// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/nucleotide_input.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <dnalm/attribution/detail/kmer_extension.hpp>
#include <dnalm/attribution/detail/kmer_rows.hpp>
#include <dnalm/attribution/nucleotide_input.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/sequence/alphabet.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The one token that the tokenizer makes of the whole text, framing tokens aside; -1: several, or none.
[[nodiscard]] inline std::int32_t sole_token(const tokenizer& tokens, const std::string& text) {
  token_sequence found;
  try {
    found = tokens.with_policy(unknown_policy::error).encode(text);
  } catch (const error&) {
    return -1;  // a letter that the alphabet has not
  }
  std::int32_t id = -1;
  for (std::size_t t = 0; t < found.ids.size(); ++t) {
    if (found.begin[t] == found.end[t]) continue;
    if (id >= 0 || found.begin[t] != 0 || found.end[t] != static_cast<index_t>(text.size())) return -1;
    id = found.ids[t];
  }
  return id;
}

/// Lengths of the vocabulary's words of A, C, G and T (U) alone: one of 1, or of k beside 1, or others (0).
[[nodiscard]] inline int word_length(const tokenizer& tokens) {
  int longest = 0;
  index_t of_longest = 0;
  bool between = false;
  for (int id = 0; id < tokens.vocabulary_size(); ++id) {
    const std::string& text = tokens.token(id);
    const bool bases = !text.empty() && std::all_of(text.begin(), text.end(), [](char letter) {
      return base_code(letter) < 4 || letter == 'U' || letter == 'u';
    });
    if (!bases) continue;
    const int length = static_cast<int>(std::min<std::size_t>(text.size(), 1000));
    if (length == 1) {
      if (longest == 0) longest = 1;
      continue;
    }
    between = between || (longest > 1 && length != longest);
    longest = std::max(longest, length);
    ++of_longest;
  }
  if (longest <= 1) return longest;
  const bool all = longest <= longest_kmer && of_longest == (index_t{1} << (2 * longest));
  return all && !between ? longest : 0;
}

/// The letters of the `place`-th word of k bases, in the order of A, C, G, T.
[[nodiscard]] inline std::string kmer_text(int k, index_t place) {
  std::string text(static_cast<std::size_t>(k), 'A');
  for (int j = k; j-- > 0; place /= 4) text[static_cast<std::size_t>(j)] = "ACGT"[place % 4];
  return text;
}

/// Place of a word of bases in the order of A, C, G, T; -1: it holds another letter.
[[nodiscard]] inline index_t kmer_place(std::string_view text) {
  index_t place = 0;
  for (const char letter : text) {
    const int code = letter == 'U' || letter == 'u' ? 3 : base_code(letter);
    if (code > 3) return -1;
    place = 4 * place + code;
  }
  return place;
}

/// The weights of the `letters` bases from `first` on.
[[nodiscard]] inline kmer_columns columns_of(const nucleotide_map& weights, index_t first, int letters) {
  kmer_columns columns{.k = letters};
  for (int j = 0; j < letters; ++j) {
    for (int a = 0; a < 4; ++a) {
      columns.weight[static_cast<std::size_t>(j)][static_cast<std::size_t>(a)] = weights(a, first + j);
    }
  }
  return columns;
}

/// Mean weight of the reference token over the bases of a token.
[[nodiscard]] inline double mean_rest(const nucleotide_weights& weights, index_t first, int letters) {
  if (weights.rest.empty()) return 0;
  double sum = 0;
  for (int j = 0; j < letters; ++j) sum += weights.rest[static_cast<std::size_t>(first + j)];
  return sum / letters;
}

}  // namespace detail

DNALM_INLINE nucleotide_input::nucleotide_input(const model& network) : network_(network) {
  const model_description& about = network_.describe();
  if (!about.tokens) {
    throw error(error_kind::config, 405, "the model folder has no tokenizer files",
                {.where = about.folder.string(), .expected = "vocab.txt or tokenizer.json"});
  }
  mask_token_ = about.mask_id();
  find_tokens();
  if (entry_ == nucleotide_entry::pieces) return;
  std::vector<std::int32_t> ids(static_cast<std::size_t>(about.vocabulary()));
  std::iota(ids.begin(), ids.end(), 0);
  auto words = std::make_shared<matrix<float>>(about.vocabulary(), about.width());
  network_.word_rows(ids, words->view());
  words_ = std::move(words);
  kmer_rows_ = std::make_shared<detail::lazy_kmer_rows>();
}

/// Letters or k-mers where the tokenizer reads every word of their length as one token that the model knows.
DNALM_INLINE void nucleotide_input::find_tokens() {
  const model_description& about = network_.describe();
  const tokenizer& tokens = *about.tokens;
  const auto known = [&](std::int32_t id) { return id >= 0 && id < about.vocabulary() ? id : -1; };
  const int k = detail::word_length(tokens);
  if (k < 1) return;
  std::vector<std::int32_t> found;
  for (index_t place = 0; place < index_t{1} << (2 * k); ++place) {
    found.push_back(known(detail::sole_token(tokens, detail::kmer_text(k, place))));
    if (found.back() < 0) return;
  }
  kmer_tokens_ = std::move(found);
  for (index_t a = 0; a < 4; ++a) {
    letter_tokens_[static_cast<std::size_t>(a)] =
        known(detail::sole_token(tokens, std::string(1, "ACGT"[a])));
  }
  // A lone base has a row for each letter, or none has: its token is fixed then.
  const bool all = std::find(letter_tokens_.begin(), letter_tokens_.end(), -1) == letter_tokens_.end();
  if (!all) letter_tokens_.fill(-1);
  if (k == 1) unknown_token_ = known(detail::sole_token(tokens, "N"));
  token_letters_ = k;
  entry_ = k == 1 ? nucleotide_entry::letters : nucleotide_entry::kmers;
}

DNALM_INLINE void nucleotide_input::require_nucleotides() const {
  if (entry_ != nucleotide_entry::pieces) return;
  throw error(
      error_kind::unsupported, 804, "nucleotide gradients of a model whose tokens are pieces of text",
      {.where = network_.describe().name + ", " + network_.describe().tokens->description(),
       .expected = "tokens of one base or of k-mers; take token attribution or in-silico mutagenesis"});
}

DNALM_INLINE nucleotide_layout nucleotide_input::layout(std::string_view sequence,
                                                        const std::string& where) const {
  nucleotide_layout result{.tokens = network_.tokenize(sequence, where),
                           .length = static_cast<index_t>(sequence.size())};
  const token_sequence& tokens = result.tokens;
  result.letters.assign(tokens.ids.size(), 0);
  if (entry_ == nucleotide_entry::pieces) return result;
  for (std::size_t t = 0; t < tokens.ids.size(); ++t) {
    const index_t first = tokens.begin[t];
    const index_t letters = tokens.end[t] - first;
    if (letters != 1 && letters != token_letters_) continue;
    const index_t place = detail::kmer_place(
        sequence.substr(static_cast<std::size_t>(first), static_cast<std::size_t>(letters)));
    const bool made = place >= 0 && token_of(static_cast<int>(letters), place) == tokens.ids[t];
    if (made) result.letters[t] = static_cast<std::int8_t>(letters);
  }
  return result;
}

DNALM_INLINE void nucleotide_input::check(const nucleotide_layout& layout, const nucleotide_weights& weights,
                                          index_t rows, index_t columns) const {
  require_nucleotides();
  const auto refuse = [](const std::string& what, const std::string& expected, const std::string& found) {
    throw error(error_kind::shape, 808, what, {.expected = expected, .found = found});
  };
  const index_t length = layout.length;
  if (weights.letters.length != length ||
      static_cast<index_t>(weights.letters.values.size()) != checked_mul(4, length)) {
    refuse("nucleotide weights that do not fit the sequence", "4 x " + std::to_string(length),
           "4 x " + std::to_string(weights.letters.length));
  }
  if (!weights.rest.empty() && static_cast<index_t>(weights.rest.size()) != length) {
    refuse("weights of the reference token that do not fit the sequence", std::to_string(length),
           std::to_string(weights.rest.size()));
  }
  const bool known =
      weights.reference_token >= 0 && weights.reference_token < network_.describe().vocabulary();
  if (!weights.rest.empty() && !known) {
    refuse("a reference token that the model has not",
           "0 to " + std::to_string(network_.describe().vocabulary() - 1),
           std::to_string(weights.reference_token));
  }
  if (rows != layout.tokens.size() || columns != words_->columns()) {
    refuse("words' rows that do not fit the sequence",
           std::to_string(layout.tokens.size()) + " x " + std::to_string(words_->columns()),
           std::to_string(rows) + " x " + std::to_string(columns));
  }
}

template <class T>
void nucleotide_input::fill_rows(const nucleotide_layout& layout, const nucleotide_weights& weights,
                                 matrix_view<T> rows) const {
  check(layout, weights, rows.rows, rows.columns);
  std::vector<double> sum(static_cast<std::size_t>(rows.columns));
  std::vector<T> part(sum.size());
  const auto add = [&](double weight, const auto* row) {
    for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += weight * static_cast<double>(row[c]);
  };
  // The last two bases of a k-mer in T, which is twice as quick where that is float.
  const auto add_kmers = [&](const detail::kmer_columns& columns) {
    const int tail = std::min(columns.k - 1, 2);
    const detail::kmer_columns last = detail::part_of(columns, columns.k - tail, tail);
    detail::visit_kmers(detail::part_of(columns, 0, columns.k - tail), [&](index_t place, double weight) {
      std::fill(part.begin(), part.end(), T(0));
      detail::visit_kmers(last, [&](index_t rest, double inner) {
        const float* row = word(token_of(columns.k, (place << (2 * tail)) + rest));
        const auto factor = static_cast<T>(inner);
        for (std::size_t c = 0; c < part.size(); ++c) part[c] += factor * static_cast<T>(row[c]);
      });
      add(weight, part.data());
    });
  };
  std::vector<index_t> many;  // tokens in which many k-mers have a weight
  for (index_t t = 0; t < rows.rows; ++t) {
    const auto at = static_cast<std::size_t>(t);
    const int letters = layout.letters[at];
    std::fill(sum.begin(), sum.end(), 0.0);
    if (letters == 0) {
      add(1.0, word(layout.tokens.ids[at]));
    } else {
      const index_t first = layout.tokens.begin[at];
      const detail::kmer_columns columns = detail::columns_of(weights.letters, first, letters);
      if (std::is_same_v<T, float> && detail::kmer_rows::are_quicker(columns) && packed_kmers() != nullptr) {
        many.push_back(t);
        continue;
      }
      add_kmers(columns);
      const double rest = detail::mean_rest(weights, first, letters);
      if (rest != 0.0) add(rest, word(weights.reference_token));
    }
    for (index_t c = 0; c < rows.columns; ++c) rows(t, c) = static_cast<T>(sum[static_cast<std::size_t>(c)]);
  }
  if constexpr (std::is_same_v<T, float>) fill_products(layout, weights, many, rows);
}

DNALM_INLINE const detail::kmer_rows* nucleotide_input::packed_kmers() const {
  return kmer_rows_->of(network_, *words_, kmer_tokens_, token_letters_);
}

/// Rows of tokens of k bases by products with the packed table, as many at a time as a product likes.
DNALM_INLINE void nucleotide_input::fill_products(const nucleotide_layout& layout,
                                                  const nucleotide_weights& weights,
                                                  std::span<const index_t> tokens,
                                                  matrix_view<float> rows) const {
  if (tokens.empty()) return;
  constexpr std::size_t at_once = 96;
  const detail::kmer_rows& table = *packed_kmers();
  matrix<double> sums(static_cast<index_t>(std::min(tokens.size(), at_once)), rows.columns);
  for (std::size_t begin = 0; begin < tokens.size(); begin += at_once) {
    const auto part = tokens.subspan(begin, std::min(at_once, tokens.size() - begin));
    const auto first = [&](index_t t) { return layout.tokens.begin[static_cast<std::size_t>(t)]; };
    std::vector<detail::kmer_columns> columns;
    for (const index_t t : part) {
      columns.push_back(detail::columns_of(weights.letters, first(t), token_letters_));
    }
    table.sum(columns, sums.view().row_block(0, static_cast<index_t>(part.size())));
    for (std::size_t i = 0; i < part.size(); ++i) {
      const double rest = detail::mean_rest(weights, first(part[i]), token_letters_);
      const float* other = rest != 0.0 ? word(weights.reference_token) : nullptr;
      const double* from = sums.view().row_data(static_cast<index_t>(i));
      for (index_t c = 0; c < rows.columns; ++c) {
        const double more = other == nullptr ? 0.0 : rest * static_cast<double>(other[c]);
        rows(part[i], c) = static_cast<float>(from[c] + more);
      }
    }
  }
}

DNALM_INLINE void nucleotide_input::rows(const nucleotide_layout& layout, const nucleotide_weights& weights,
                                         matrix_view<float> rows) const {
  fill_rows(layout, weights, rows);
}
DNALM_INLINE void nucleotide_input::rows(const nucleotide_layout& layout, const nucleotide_weights& weights,
                                         matrix_view<double> rows) const {
  fill_rows(layout, weights, rows);
}

DNALM_INLINE bool nucleotide_input::needs_tokens(const nucleotide_layout& layout,
                                                 const nucleotide_weights& weights) const {
  if (entry_ != nucleotide_entry::kmers) return false;
  for (std::size_t t = 0; t < layout.letters.size(); ++t) {
    const int letters = layout.letters[t];
    if (letters < 2) continue;
    if (!detail::columns_of(weights.letters, layout.tokens.begin[t], letters).one_hot()) return true;
  }
  return false;
}

template <class T>
void nucleotide_input::fill_gradient(const nucleotide_layout& layout, const nucleotide_weights& weights,
                                     matrix_view<const T> words, matrix_view<const T> tokens,
                                     nucleotide_weights& result) const {
  check(layout, weights, words.rows, words.columns);
  const bool by_tokens = needs_tokens(layout, weights);
  if (by_tokens && (tokens.data == nullptr || tokens.rows != words.rows)) {
    throw error(error_kind::shape, 808, "the gradient by one-hot tokens is needed for these weights",
                {.expected = std::to_string(words.rows) + " rows", .found = std::to_string(tokens.rows)});
  }
  result.letters = nucleotide_map(layout.length);
  result.reference_token = weights.reference_token;
  result.rest.assign(weights.rest.size(), 0.0);
  const index_t all = by_tokens ? index_t{1} << (2 * token_letters_) : 0;
  std::vector<double> values(static_cast<std::size_t>(all));
  std::vector<double> scratch(values.size());
  for (index_t t = 0; t < words.rows; ++t) {
    const auto at = static_cast<std::size_t>(t);
    const int letters = layout.letters[at];
    if (letters == 0) continue;
    const index_t first = layout.tokens.begin[at];
    const auto slope = [&](std::int32_t id) {
      return by_tokens ? static_cast<double>(tokens(t, id))
                       : detail::row_product(words.row_data(t), word(id), words.columns);
    };
    const detail::kmer_columns columns = detail::columns_of(weights.letters, first, letters);
    if (by_tokens && letters > 1) {
      for (index_t place = 0; place < all; ++place) {
        values[static_cast<std::size_t>(place)] = slope(token_of(letters, place));
      }
      detail::contract_slopes(columns, values.data(), scratch.data(), [&](int j, int a, double by_weight) {
        result.letters(a, first + j) += by_weight;
      });
    } else {
      detail::visit_neighbours(columns, [&](index_t place, int j, int a, double product) {
        result.letters(a, first + j) += product * slope(token_of(letters, place));
      });
    }
    if (weights.rest.empty()) continue;
    const double share = slope(weights.reference_token) / letters;
    for (int j = 0; j < letters; ++j) result.rest[static_cast<std::size_t>(first + j)] += share;
  }
}

DNALM_INLINE void nucleotide_input::gradient(const nucleotide_layout& layout,
                                             const nucleotide_weights& weights,
                                             matrix_view<const float> words, matrix_view<const float> tokens,
                                             nucleotide_weights& result) const {
  fill_gradient(layout, weights, words, tokens, result);
}
DNALM_INLINE void nucleotide_input::gradient(const nucleotide_layout& layout,
                                             const nucleotide_weights& weights,
                                             matrix_view<const double> words,
                                             matrix_view<const double> tokens,
                                             nucleotide_weights& result) const {
  fill_gradient(layout, weights, words, tokens, result);
}

DNALM_END_NAMESPACE
