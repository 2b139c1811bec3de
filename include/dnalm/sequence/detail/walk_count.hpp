// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How many different walks a graph of k-lets has: as a logarithm, and modulo a prime beyond 2^63.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/sequence/detail/shuffle_graph.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Numbers modulo 2^64 - 59, the largest prime below 2^64: what is below 2^63 is exact.
class prime_residue {
 public:
  prime_residue() = default;
  explicit prime_residue(std::uint64_t value) : value_(value) {}

  [[nodiscard]] std::uint64_t value() const { return value_; }
  prime_residue& operator+=(prime_residue other) {
    value_ = static_cast<std::uint64_t>((wide{value_} + other.value_) % prime);
    return *this;
  }
  prime_residue& operator*=(prime_residue other) {
    value_ = static_cast<std::uint64_t>(wide{value_} * other.value_ % prime);
    return *this;
  }
  /// By Fermat: a^(p-2).
  prime_residue& operator/=(prime_residue other) {
    for (std::uint64_t power = prime - 2; power > 0; power >>= 1) {
      if ((power & 1) != 0) *this *= other;
      other *= other;
    }
    return *this;
  }

 private:
  __extension__ using wide = unsigned __int128;
  static constexpr std::uint64_t prime = 18446744073709551557U;
  std::uint64_t value_ = 0;
};

/// A double with the members that multiply_trees asks for.
class real_number {
 public:
  real_number() = default;
  explicit real_number(double value) : value_(value) {}
  [[nodiscard]] double value() const { return value_; }
  real_number& operator+=(real_number other) {
    value_ += other.value_;
    return *this;
  }
  real_number& operator*=(real_number other) {
    value_ *= other.value_;
    return *this;
  }
  real_number& operator/=(real_number other) {
    value_ /= other.value_;
    return *this;
  }

 private:
  double value_ = 0;
};

/// A product of positive numbers as a logarithm.
struct log_product {
  double log = 0;
  void multiply(real_number factor) { log += std::log(factor.value()); }
  void factorial(std::uint32_t n) { log += std::lgamma(double{1} + n); }
  void divide_factorial(std::uint32_t n) { log -= std::lgamma(double{1} + n); }
};

/// A product of numbers modulo the prime.
struct residue_product {
  prime_residue value{1};
  void multiply(prime_residue factor) { value *= factor; }
  void factorial(std::uint32_t n) { value *= of_factorial(n); }
  void divide_factorial(std::uint32_t n) { value /= of_factorial(n); }
  [[nodiscard]] static prime_residue of_factorial(std::uint32_t n) {
    prime_residue product{1};
    for (std::uint32_t i = 2; i <= n; ++i) product *= prime_residue{i};
    return product;
  }
};

/// Places in the matrix of exits for the vertices that occur: the root last, -1 for the others.
[[nodiscard]] inline std::vector<index_t> tree_places(const shuffle_graph& graph, std::size_t& size) {
  std::vector<index_t> places(graph.vertices(), -1);
  size = 0;
  for (std::size_t v = 0; v < graph.vertices(); ++v) {
    const std::uint32_t* exits = graph.counts.data() + 4 * v;
    if (v != graph.last && (exits[0] | exits[1] | exits[2] | exits[3]) != 0) {
      places[v] = static_cast<index_t>(size++);
    }
  }
  places[graph.last] = static_cast<index_t>(size++);
  return places;
}

/// Multiplies by the number of trees of last exits: vertices are taken out one after the other, and the
/// weight of the ways out of each is a factor. Only sums, products and quotients of positive numbers: no
/// digits are lost.
template <class Number, class Product>
void multiply_trees(const shuffle_graph& graph, Product& product) {
  std::size_t size = 0;
  const std::vector<index_t> places = tree_places(graph, size);
  std::vector<Number> exits(size * size);
  for (std::size_t e = 0; e < graph.counts.size(); ++e) {
    const index_t from = places[e / 4];
    const index_t to = places[graph.next[e]];
    if (graph.counts[e] == 0 || from == to) continue;
    exits[static_cast<std::size_t>(from) * size + static_cast<std::size_t>(to)] += Number(graph.counts[e]);
  }
  for (std::size_t v = 0; v + 1 < size; ++v) {
    Number out{};
    for (std::size_t to = v + 1; to < size; ++to) out += exits[v * size + to];
    product.multiply(out);
    for (std::size_t from = v + 1; from + 1 < size; ++from) {
      Number share = exits[from * size + v];
      if (share.value() == 0) continue;
      share /= out;
      for (std::size_t to = v + 1; to < size; ++to) {
        if (to == from) continue;
        Number through = share;
        through *= exits[v * size + to];
        exits[from * size + to] += through;
      }
    }
  }
}

/// Multiplies by the number of orders of the other exits, and divides by the orders of equal ones.
template <class Product>
void multiply_orders(const shuffle_graph& graph, Product& product) {
  for (std::size_t v = 0; v < graph.vertices(); ++v) {
    const std::uint32_t* exits = graph.counts.data() + 4 * v;
    const std::uint32_t degree = exits[0] + exits[1] + exits[2] + exits[3];
    if (degree == 0) continue;
    product.factorial(v == graph.last ? degree : degree - 1);
    for (std::size_t b = 0; b < 4; ++b) product.divide_factorial(exits[b]);
  }
}

}  // namespace detail
DNALM_END_NAMESPACE
