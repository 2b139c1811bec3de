// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Sums over all k-mers that have a weight: the multilinear extension and its gradient.
#pragma once

#include <algorithm>
#include <array>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The longest k-mers that nucleotide_input reads: 4^8 tokens.
inline constexpr int longest_kmer = 8;

/// Weights of the four bases at the k places of a token.
struct kmer_columns {
  int k = 0;
  std::array<std::array<double, 4>, longest_kmer> weight = {};

  [[nodiscard]] bool one_hot() const {
    for (int j = 0; j < k; ++j) {
      int ones = 0;
      int zeros = 0;
      for (const double w : weight[static_cast<std::size_t>(j)]) {
        ones += w == 1.0 ? 1 : 0;
        zeros += w == 0.0 ? 1 : 0;
      }
      if (ones != 1 || zeros != 3) return false;
    }
    return true;
  }
};

/// Calls visit(place, product of the weights) for every k-mer whose weights are all other than 0, in
/// alphabetical order.
template <class Visit>
void visit_kmers(const kmer_columns& columns, const Visit& visit, int j = 0, index_t place = 0,
                 double product = 1.0) {
  if (j == columns.k) return visit(place, product);
  for (int a = 0; a < 4; ++a) {
    const double w = columns.weight[static_cast<std::size_t>(j)][static_cast<std::size_t>(a)];
    if (w != 0.0) visit_kmers(columns, visit, j + 1, 4 * place + a, product * w);
  }
}

/// Calls visit(place, j, a, product of the weights but that of place j) for every k-mer with base a at j that
/// has no weight 0 elsewhere. `at`: the place left out on the way here; -1: none yet.
template <class Visit>
void visit_neighbours(const kmer_columns& columns, const Visit& visit, int j = 0, index_t place = 0,
                      double product = 1.0, int at = -1, int base = 0) {
  if (j == columns.k) {
    if (at >= 0) visit(place, at, base, product);
    return;
  }
  for (int a = 0; a < 4; ++a) {
    const double w = columns.weight[static_cast<std::size_t>(j)][static_cast<std::size_t>(a)];
    if (w != 0.0) visit_neighbours(columns, visit, j + 1, 4 * place + a, product * w, at, base);
    if (at < 0) visit_neighbours(columns, visit, j + 1, 4 * place + a, product, j, a);
  }
}

/// Columns [first, first + count) alone.
[[nodiscard]] inline kmer_columns part_of(const kmer_columns& columns, int first, int count) {
  kmer_columns part{.k = count};
  for (int j = 0; j < count; ++j) {
    part.weight[static_cast<std::size_t>(j)] = columns.weight[static_cast<std::size_t>(first + j)];
  }
  return part;
}

/// values (4^n), n the columns from `from` on, becomes its sum with their weights in values[0].
inline double contract(const kmer_columns& columns, int from, double* values, index_t size) {
  for (int j = columns.k; j-- > from; size /= 4) {
    const auto& w = columns.weight[static_cast<std::size_t>(j)];
    for (index_t i = 0; i < size / 4; ++i) {
      const double* v = values + 4 * i;
      values[i] = (w[0] * v[0] + w[1] * v[1]) + (w[2] * v[2] + w[3] * v[3]);
    }
  }
  return values[0];
}

/// Calls visit(j, a, slope) with the slope of sum over k-mers of the product of weights times values[place]
/// by the weight of base a at j. `values` (4^k) is overwritten, `scratch` has room for as many. Cost: O(4^k).
template <class Visit>
void contract_slopes(const kmer_columns& columns, double* values, double* scratch, const Visit& visit) {
  index_t size = index_t{1} << (2 * columns.k);
  for (int j = 0; j < columns.k; ++j) {
    const index_t block = size / 4;
    const auto& w = columns.weight[static_cast<std::size_t>(j)];
    for (int a = 0; a < 4; ++a) {
      std::copy_n(values + a * block, block, scratch);
      visit(j, a, contract(columns, j + 1, scratch, block));
    }
    for (index_t i = 0; i < block; ++i) {
      values[i] = (w[0] * values[i] + w[1] * values[block + i]) +
                  (w[2] * values[2 * block + i] + w[3] * values[3 * block + i]);
    }
    size = block;
  }
}

/// sum of x[i] y[i] in double, in eight lanes.
template <class T>
[[nodiscard]] double row_product(const T* x, const float* y, index_t size) {
  double lanes[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  index_t i = 0;
  for (; i + 8 <= size; i += 8) {
    for (index_t lane = 0; lane < 8; ++lane)
      lanes[lane] += static_cast<double>(x[i + lane]) * static_cast<double>(y[i + lane]);
  }
  for (; i < size; ++i) lanes[0] += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

}  // namespace detail
DNALM_END_NAMESPACE
