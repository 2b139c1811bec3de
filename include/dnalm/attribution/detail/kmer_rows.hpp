// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Words' rows of tokens in which most k-mers have a weight, as products of weights and table.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include <dnalm/attribution/detail/kmer_extension.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Last bases of a k-mer whose weights are summed in float: 64 words.
inline constexpr int float_bases = 3;

/// The table of all k-mers, packed for products: for each beginning of k - 3 bases a matrix (D, 64) of the
/// rows of its ends. Memory: as much as the table.
class kmer_rows {
 public:
  /// `tokens` (4^k): the numbers of the k-mers in `words` (V, D), the first base counts most; k > 3.
  kmer_rows(const model& network, const matrix<float>& words, std::span<const std::int32_t> tokens, int k)
      : k_(k), width_(words.columns()) {
    matrix<float> ends(width_, end_words);
    for (std::size_t first = 0; first < tokens.size(); first += end_words) {
      for (index_t end = 0; end < end_words; ++end) {
        const index_t id = tokens[first + static_cast<std::size_t>(end)];
        for (index_t c = 0; c < width_; ++c) ends(c, end) = words(id, c);
      }
      parts_.push_back(network.pack_product(ends.view()));
      if (parts_.back() == nullptr) return;
    }
  }
  /// Whether the model's backend has products for it.
  [[nodiscard]] bool can_multiply() const { return parts_.back() != nullptr; }

  /// Whether the products are quicker than the sum of the k-mers that have a weight.
  [[nodiscard]] static bool are_quicker(const kmer_columns& columns) {
    if (columns.k <= float_bases) return false;
    index_t weighted = 1;
    for (int j = 0; j < columns.k; ++j) {
      const auto& w = columns.weight[static_cast<std::size_t>(j)];
      weighted *= std::count_if(w.begin(), w.end(), [](double weight) { return weight != 0.0; });
    }
    return weighted * 16 >= index_t{1} << (2 * columns.k);
  }

  /// sums (n, D) = sum over k-mers of the product of their weights times their row, for n tokens of k bases:
  /// over the ends in float, over the beginnings in double. A row depends on its own weights only. Cost: 4^k
  /// D operations a token.
  void sum(std::span<const kmer_columns> columns, matrix_view<double> sums) const {
    const auto count = static_cast<index_t>(columns.size());
    const auto beginnings = static_cast<index_t>(parts_.size());
    matrix<float> of_ends(count, end_words);
    matrix<double> of_beginnings(count, beginnings);
    for (index_t t = 0; t < count; ++t) {
      const kmer_columns& own = columns[static_cast<std::size_t>(t)];
      visit_kmers(part_of(own, k_ - float_bases, float_bases),
                  [&](index_t place, double weight) { of_ends(t, place) = static_cast<float>(weight); });
      visit_kmers(part_of(own, 0, k_ - float_bases),
                  [&](index_t place, double weight) { of_beginnings(t, place) = weight; });
      std::fill_n(sums.row_data(t), width_, 0.0);
    }
    matrix<float> products(count, width_);
    buffer<float> scratch;
    for (index_t part = 0; part < beginnings; ++part) {
      parts_[static_cast<std::size_t>(part)]->run(of_ends.view(), scratch, products.view());
      for (index_t t = 0; t < count; ++t) {
        const double weight = of_beginnings(t, part);
        const float* from = products.view().row_data(t);
        double* to = sums.row_data(t);
        for (index_t c = 0; c < width_; ++c) to[c] += weight * static_cast<double>(from[c]);
      }
    }
  }

 private:
  static constexpr index_t end_words = index_t{1} << (2 * float_bases);

  int k_;
  index_t width_;
  std::vector<std::shared_ptr<const packed_product>> parts_;  // by beginning
};

/// The packed table, made when it is first asked for; for several threads.
class lazy_kmer_rows {
 public:
  /// Null: the model's backend has no products for it.
  [[nodiscard]] const kmer_rows* of(const model& network, const matrix<float>& words,
                                    std::span<const std::int32_t> tokens, int k) {
    std::call_once(once_, [&] { rows_ = std::make_unique<const kmer_rows>(network, words, tokens, k); });
    return rows_->can_multiply() ? rows_.get() : nullptr;
  }

 private:
  std::once_flag once_;
  std::unique_ptr<const kmer_rows> rows_;
};

}  // namespace detail
DNALM_END_NAMESPACE
