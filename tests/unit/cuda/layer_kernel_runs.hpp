// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Kernels of networks of layers on the emulated GPU beside the reference: one kernel call for both.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include <dnalm/reference/reference_backend.hpp>
#include <support/adjoint_test.hpp>
#include <support/cuda_emulation/backend.hpp>
#include <support/cuda_emulation/grid.hpp>
#include <unit/backend/kernel_adjoint_cases.hpp>

namespace dnalm_test {

using dnalm::index_t;

/// A backend with its arguments' views and constants that live as long as it.
template <class B>
class kernel_world {
  using T = typename B::scalar;

 public:
  using backend = B;
  explicit kernel_world(B b = B()) : kernels(std::move(b)) {}

  template <class U>
  [[nodiscard]] auto of(dnalm::matrix_view<U> x) const {
    return dnalm::matrix_view<U, B::space>{x.data, x.rows, x.columns, x.stride};
  }
  /// Normal numbers, the same on all backends, in poisoned memory.
  [[nodiscard]] dnalm::matrix_view<const T> host_constant(index_t rows, index_t columns,
                                                          std::uint64_t seed) const {
    held_.emplace_back(rows, columns, normal_numbers(rows * columns, seed).data());
    return held_.back().view();
  }
  [[nodiscard]] auto constant(index_t rows, index_t columns, std::uint64_t seed) const {
    return of(host_constant(rows, columns, seed));
  }
  /// Memory for `size` numbers.
  [[nodiscard]] dnalm::vector_view<T, B::space> scratch(index_t size) const {
    held_.emplace_back(1, size);
    return of(held_.back().view()).row(0);
  }

  B kernels;

 private:
  mutable std::deque<poisoned<T>> held_;
};

/// A kernel that reads x, with rows `lengths`, and u, with those that `rows` makes of them, and writes y.
struct resizing_case {
  std::string name = {};
  index_t x_columns = 0;
  index_t u_columns = 0;  ///< 0: it reads no u
  index_t y_columns = 0;
  bool back = false;  ///< y has the rows of x, not those of u
  std::function<index_t(index_t)> rows = [](index_t length) { return length; };
  double terms = 0.0;     ///< of the longest sum; 0: the same numbers
  bool positive = false;  ///< the numbers of x are above 0
  std::vector<index_t> lengths = {5, 12, 1, 7};
};

[[nodiscard]] inline numbers part_of_rows(const numbers& all, index_t first, index_t count, index_t columns) {
  return {all.begin() + first * columns, all.begin() + (first + count) * columns};
}

template <class World, class Kernel>
[[nodiscard]] numbers run_resizing(const World& world, const resizing_case& c,
                                   const std::vector<index_t>& lengths, const numbers& x, const numbers& u,
                                   const Kernel& kernel) {
  using T = typename World::backend::scalar;
  dnalm::ragged_offsets from;
  dnalm::ragged_offsets to;
  for (const index_t length : lengths) {
    from.append(length);
    to.append(c.rows(length));
  }
  const poisoned<T> in(from.rows(), c.x_columns, x.data());
  const poisoned<T> gradient(to.rows(), c.u_columns, u.data());
  poisoned<T> y(c.back ? from.rows() : to.rows(), c.y_columns);
  kernel(world, from, to, world.of(in.view()), world.of(gradient.view()), world.of(y.view()));
  CHECK((in.frame_is_whole() && gradient.frame_is_whole() && y.frame_is_whole()));
  numbers result;
  append_numbers(y.view(), result);
  return result;
}

/// kernel(world, from, to, x, u, y) on the emulated GPU: the reference's numbers, whatever the order of
/// threads, and those of each sequence alone, bit for bit.
///
/// Numbers are below 5, so a chain of n products and sums in float is at most n roundings of 25 n away.
template <class Kernel>
void check_resizing(const resizing_case& c, const Kernel& kernel, const dnalm::cuda_options& options = {}) {
  INFO(c.name);
  index_t rows = 0;
  index_t out = 0;
  for (const index_t length : c.lengths) {
    rows += length;
    out += c.rows(length);
  }
  numbers x = normal_numbers(rows * c.x_columns, 31);
  if (c.positive) std::transform(x.begin(), x.end(), x.begin(), [](double v) { return std::abs(v); });
  const numbers u = normal_numbers(out * c.u_columns, 32);
  const kernel_world<dnalm::cuda_backend> gpu{dnalm::cuda_backend(options)};
  const kernel_world<dnalm::reference_backend> reference;
  const numbers exact = run_resizing(reference, c, c.lengths, x, u, kernel);
  const numbers found = run_resizing(gpu, c, c.lengths, x, u, kernel);
  check_within(exact, found, numbers(exact.size(), c.terms * c.terms * 25.0 * 0x1p-24));
  gpu::emulation().seed = 7;
  CHECK(same_numbers(found, run_resizing(gpu, c, c.lengths, x, u, kernel)));
  gpu::emulation().seed = 0;
  index_t first = 0;
  index_t first_out = 0;
  for (const index_t length : c.lengths) {
    const index_t made = c.rows(length);
    const numbers alone = run_resizing(gpu, c, {length}, part_of_rows(x, first, length, c.x_columns),
                                       part_of_rows(u, first_out, made, c.u_columns), kernel);
    CHECK(same_numbers(alone, c.back ? part_of_rows(found, first, length, c.y_columns)
                                     : part_of_rows(found, first_out, made, c.y_columns)));
    first += length;
    first_out += made;
  }
}

}  // namespace dnalm_test
