// SPDX-License-Identifier: Apache-2.0
// Convolutions that make two rows of a sequence at a time: within their bound of the double loops, the same
// bits wherever a row stands and however the rows are cut, and their adjoint.
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/reference/convolution.hpp>
#include <support/adjoint_test.hpp>
#include <support/catch.hpp>
#include <support/instruction_sets.hpp>

namespace {

using dnalm::convolution_taps;
using dnalm::index_t;
using dnalm::matrix;
using dnalm_test::instruction_sets;
using dnalm_test::poisoned;
using dnalm_test::poisoned_scratch;

struct shape {
  index_t inputs;
  index_t outputs;
  index_t taps;
  index_t before;
  index_t after;
  std::vector<index_t> lengths;
  index_t dilation = 1;

  [[nodiscard]] convolution_taps reads() const { return {taps, dilation, before}; }
  [[nodiscard]] dnalm::ragged_offsets from() const {
    dnalm::ragged_offsets all;
    for (const index_t length : lengths) all.append(length);
    return all;
  }
  [[nodiscard]] dnalm::ragged_offsets to() const {
    dnalm::ragged_offsets all;
    for (const index_t length : lengths) all.append(reads().output_rows(length, after));
    return all;
  }
  [[nodiscard]] std::string name() const {
    return std::to_string(inputs) + " to " + std::to_string(outputs) + ", " + std::to_string(taps) +
           " taps, before " + std::to_string(before) + ", after " + std::to_string(after) + ", dilation " +
           std::to_string(dilation);
  }
};

/// One row, odd and even lengths, more pairs than a block (of the adjoint, too) has, taps that do not fill
/// their groups of three, widths that are no multiple of a vector, pieces of 512 that end within a group,
/// padding of any kind.
const std::vector<shape> shapes = {
    {64, 64, 9, 4, 4, {1, 2, 3, 40, 0, 181}},
    {67, 70, 3, 1, 1, {5, 1, 33}},
    {70, 65, 5, 4, 0, {7, 20}},
    {190, 100, 8, 3, 4, {2, 77}},
    {64, 96, 17, 0, 0, {30, 17, 16, 19}},
    {32, 32, 11, 20, 20, {1, 3, 4, 5, 8, 190, 7}, 4},
    {33, 40, 9, 0, 7, {81, 100, 60}, 10},
    {257, 50, 3, 1, 1, {9, 40}},
    {70, 45, 10, 2, 9, {6, 1, 31}, 2},
    {40, 66, 3, 1, 1, {601, 3}},
    {32, 34, 6, -3, 100, {200, 49, 26}, 25},
};

matrix<float> random_matrix(index_t rows, index_t columns, std::uint64_t seed, float scale = 1.0F) {
  matrix<float> x(rows, columns);
  dnalm::philox random(seed);
  for (index_t i = 0; i < rows * columns; ++i) x.data()[i] = scale * static_cast<float>(random.normal());
  return x;
}
matrix<double> widened(const matrix<float>& x) {
  matrix<double> y(x.rows(), x.columns());
  std::copy_n(x.data(), x.rows() * x.columns(), y.data());
  return y;
}

/// The rows [first, first + count) of the output, into poisoned memory.
std::vector<float> rows_of(const dnalm::cpu_backend& cpu, const shape& s, const matrix<float>& x,
                           const dnalm::packed_weight& w, const matrix<float>& bias, index_t first,
                           index_t count) {
  poisoned<float> input(x.rows(), x.columns(), widened(x).data());
  poisoned<float> y(count, s.outputs);
  poisoned_scratch<float> scratch(dnalm::cpu_convolution_scratch(w));
  dnalm::cpu_convolution(cpu.instruction_set(), input.view(), s.from(), s.to(), first, w, s.reads(),
                         {bias.view().row(0), dnalm::activation::relu}, scratch.view(), y.view());
  CHECK(y.frame_is_whole());
  CHECK(scratch.frame_is_whole());
  std::vector<float> all;
  for (index_t r = 0; r < count; ++r) {
    all.insert(all.end(), y.view().row_data(r), y.view().row_data(r) + s.outputs);
  }
  return all;
}

/// The same of the adjoint: rows of the input's gradient, added to `residual`.
std::vector<float> adjoint_rows_of(const dnalm::cpu_backend& cpu, const shape& s, const matrix<float>& dy,
                                   const dnalm::packed_weight& w, const matrix<float>& residual,
                                   index_t first, index_t count) {
  poisoned<float> read(dy.rows(), dy.columns(), widened(dy).data());
  poisoned<float> dx(count, s.inputs);
  poisoned_scratch<float> scratch(dnalm::cpu_convolution_vjp_scratch(w, s.reads()));
  dnalm::cpu_convolution_vjp(cpu.instruction_set(), read.view(), s.to(), s.from(), first, w, s.reads(),
                             residual.view().row_block(first, count), scratch.view(), dx.view());
  CHECK(dx.frame_is_whole());
  CHECK(scratch.frame_is_whole());
  std::vector<float> all;
  for (index_t r = 0; r < count; ++r) {
    all.insert(all.end(), dx.view().row_data(r), dx.view().row_data(r) + s.inputs);
  }
  return all;
}

template <class Work>
void for_all(Work&& work) {
  for (const dnalm::isa set : instruction_sets()) {
    for (const shape& s : shapes) {
      INFO(dnalm::to_string(set) << " " << s.name());
      work(dnalm::cpu_backend(set), s);
    }
  }
}

/// The largest number of a matrix in size.
double largest_size(const matrix<float>& x) {
  double most = 0.0;
  for (index_t i = 0; i < x.rows() * x.columns(); ++i) {
    most = std::max(most, static_cast<double>(std::abs(x.data()[i])));
  }
  return most;
}

/// Rows of some size each, made by make(first, count), against all of them in one go.
template <class Make>
void check_parts(const std::vector<float>& whole, index_t rows, std::initializer_list<index_t> sizes,
                 const Make& make) {
  for (const index_t size : sizes) {
    if (size < rows / 100) continue;  // single rows of the shorter ones are enough
    std::vector<float> parts;
    for (index_t first = 0; first < rows; first += size) {
      const auto more = make(first, std::min(size, rows - first));
      parts.insert(parts.end(), more.begin(), more.end());
    }
    CHECK(parts == whole);
  }
}

/// The rows of one sequence.
matrix<float> own_rows(const matrix<float>& x, const dnalm::ragged_offsets& offsets, index_t sequence) {
  matrix<float> own(offsets.length(sequence), x.columns());
  std::copy_n(x.data() + offsets.begin(sequence) * x.columns(), own.rows() * own.columns(), own.data());
  return own;
}

}  // namespace

TEST_CASE("which convolutions make two rows at a time", "[cpu][convolution]") {
  const auto two = [](index_t inputs, index_t outputs, const convolution_taps& taps,
                      dnalm::weight_format format = dnalm::weight_format::f32) {
    return dnalm::pack_convolution(random_matrix(outputs, taps.taps * inputs, 1).view(), taps, format)
               .two_rows != nullptr;
  };
  CHECK(two(64, 64, {9, 1, 4}));
  CHECK(two(32, 32, {3, 32, 0}));
  CHECK(two(64, 64, {5, 1, 2}));        // 8 products for 10
  CHECK_FALSE(two(64, 64, {4, 1, 1}));  // 8 for 8
  CHECK_FALSE(two(64, 64, {1, 1, 0}));
  CHECK_FALSE(two(64, 65, {9, 2, 0}));  // rows of a pair lie apart, and too many channels go by phases
  CHECK_FALSE(two(257, 64, {9, 2, 0}));
  CHECK(two(257, 64, {9, 1, 0}));
  CHECK_FALSE(two(64, 64, {9, 1, 4, 2}));
  CHECK_FALSE(two(31, 32, {9, 1, 4}));  // sums of rows cost as much as they save
  CHECK_FALSE(two(32, 31, {9, 1, 4}));
  CHECK_FALSE(two(64, 64, {9, 1, 4}, dnalm::weight_format::bf16));
}

TEST_CASE("two rows at a time are within their bound of the convolution", "[cpu][convolution]") {
  // Each of m0 ... m3 is a chain of K float operations on sums that are rounded once, the result a sum of
  // three: (K + 6) units of what the terms' sizes add up to, which `size` sums by their formulas.
  for_all([](const dnalm::cpu_backend& cpu, const shape& s) {
    const auto x = random_matrix(s.from().rows(), s.inputs, 1);
    const auto w = random_matrix(s.outputs, s.taps * s.inputs, 2, 0.1F);
    const auto bias = random_matrix(1, s.outputs, 3);
    const auto packed = cpu.pack_convolution(w.view(), s.reads());
    REQUIRE(packed.two_rows != nullptr);
    const auto found = rows_of(cpu, s, x, packed, bias, 0, s.to().rows());
    matrix<double> exact(s.to().rows(), s.outputs);
    const auto exact_bias = widened(bias);
    dnalm::reference_convolution(widened(x).view(), s.from(), widened(w).view(), s.reads(),
                                 {exact_bias.view().row(0), dnalm::activation::relu}, s.to(), exact.view());
    const double most_x = largest_size(x);
    const double terms = static_cast<double>((s.taps + 2) / 3 * s.inputs + 6);
    double worst = 0.0;
    for (index_t n = 0; n < s.outputs; ++n) {
      double sum = 0.0;  // of |g0| + |g1| + |g2| over groups and channels
      for (index_t k = 0; k < w.columns(); ++k) sum += static_cast<double>(std::abs(w(n, k)));
      const double size = 4.0 * most_x * sum + std::abs(exact_bias(0, n));
      for (index_t r = 0; r < exact.rows(); ++r) {
        const auto value = static_cast<double>(found[static_cast<std::size_t>(r * s.outputs + n)]);
        const double gap = std::abs(value - exact(r, n));
        worst = std::max(worst, std::isnan(gap) ? 1e300 : gap / (std::ldexp(terms, -24) * size));
      }
    }
    CHECK(worst <= 1.0);
  });
}

TEST_CASE("two rows at a time have the same bits in any cut, batch and team", "[cpu][convolution]") {
  for_all([](const dnalm::cpu_backend& cpu, const shape& s) {
    const auto x = random_matrix(s.from().rows(), s.inputs, 1);
    const auto packed =
        cpu.pack_convolution(random_matrix(s.outputs, s.taps * s.inputs, 2).view(), s.reads());
    const auto bias = random_matrix(1, s.outputs, 3);
    const index_t rows = s.to().rows();
    const auto whole = rows_of(cpu, s, x, packed, bias, 0, rows);
    check_parts(whole, rows, {1, 3, 12, 50},
                [&](index_t first, index_t count) { return rows_of(cpu, s, x, packed, bias, first, count); });
    for (std::size_t i = 0; i < s.lengths.size(); ++i) {
      const auto at = static_cast<index_t>(i);
      shape alone = s;
      alone.lengths = {s.lengths[i]};
      const auto own = own_rows(x, s.from(), at);
      const auto found = rows_of(cpu, alone, own, packed, bias, 0, alone.to().rows());
      const auto begin = whole.begin() + s.to().begin(at) * s.outputs;
      CHECK(std::equal(found.begin(), found.end(), begin));
    }
    dnalm::thread_team team(3);
    const auto shared = cpu.on_team(&team);
    matrix<float> y(rows, s.outputs);
    dnalm::buffer<float> scratch(shared.convolution_scratch(packed));
    shared.convolution_between(x.view(), s.from(), packed, s.reads(),
                               {bias.view().row(0), dnalm::activation::relu}, scratch.view(), s.to(),
                               y.view());
    CHECK(std::equal(whole.begin(), whole.end(), y.data()));
  });
}

TEST_CASE("adjoints that make two rows at a time are within their bound", "[cpu][convolution][adjoint]") {
  // As of the forward: chains of K operations for each of m0 ... m3, sums of three of them and the residual,
  // (K + 6) units of what the sizes of the terms add up to; single chains of `taps` x `out` are within it
  // too.
  for_all([](const dnalm::cpu_backend& cpu, const shape& s) {
    const auto dy = random_matrix(s.to().rows(), s.outputs, 5);
    const auto w = random_matrix(s.outputs, s.taps * s.inputs, 2, 0.1F);
    const auto residual = random_matrix(s.from().rows(), s.inputs, 6);
    const auto packed = cpu.pack_convolution(w.view(), s.reads());
    const auto found = adjoint_rows_of(cpu, s, dy, packed, residual, 0, s.from().rows());
    matrix<double> exact(s.from().rows(), s.inputs);
    dnalm::reference_convolution_vjp(widened(dy).view(), s.to(), widened(w).view(), s.reads(),
                                     widened(residual).view(), s.from(), exact.view());
    const double most = largest_size(dy);
    const double terms = static_cast<double>((s.taps + 2) / 3 * s.outputs + 6);
    double worst = 0.0;
    for (index_t c = 0; c < s.inputs; ++c) {
      double sum = 0.0;  // of |g0| + |g1| + |g2| over groups and outputs
      for (index_t n = 0; n < s.outputs; ++n) {
        for (index_t t = 0; t < s.taps; ++t) sum += static_cast<double>(std::abs(w(n, t * s.inputs + c)));
      }
      for (index_t r = 0; r < exact.rows(); ++r) {
        const double size = 4.0 * most * sum + std::abs(static_cast<double>(residual(r, c)));
        const auto value = static_cast<double>(found[static_cast<std::size_t>(r * s.inputs + c)]);
        const double gap = std::abs(value - exact(r, c));
        worst = std::max(worst, std::isnan(gap) ? 1e300 : gap / (std::ldexp(terms, -24) * size));
      }
    }
    CHECK(worst <= 1.0);
  });
}

TEST_CASE("adjoints that make two rows at a time have the same bits in any cut, batch and team",
          "[cpu][convolution][adjoint]") {
  for_all([](const dnalm::cpu_backend& cpu, const shape& s) {
    const auto dy = random_matrix(s.to().rows(), s.outputs, 5);
    const index_t rows = s.from().rows();
    const auto residual = random_matrix(rows, s.inputs, 6);
    const auto packed =
        cpu.pack_convolution(random_matrix(s.outputs, s.taps * s.inputs, 2).view(), s.reads());
    const auto whole = adjoint_rows_of(cpu, s, dy, packed, residual, 0, rows);
    check_parts(whole, rows, {5, 12, 50}, [&](index_t first, index_t count) {
      return adjoint_rows_of(cpu, s, dy, packed, residual, first, count);
    });
    for (std::size_t i = 0; i < s.lengths.size(); ++i) {
      const auto at = static_cast<index_t>(i);
      shape alone = s;
      alone.lengths = {s.lengths[i]};
      const auto own = own_rows(dy, s.to(), at);
      const auto added = own_rows(residual, s.from(), at);
      const auto found = adjoint_rows_of(cpu, alone, own, packed, added, 0, s.lengths[i]);
      CHECK(std::equal(found.begin(), found.end(), whole.begin() + s.from().begin(at) * s.inputs));
    }
    dnalm::thread_team team(3);
    const auto shared = cpu.on_team(&team);
    matrix<float> dx(rows, s.inputs);  // the residual's own place
    std::copy_n(residual.data(), rows * s.inputs, dx.data());
    dnalm::buffer<float> scratch(shared.convolution_vjp_scratch(packed, s.reads()));
    shared.convolution_between_vjp(dy.view(), s.to(), packed, s.reads(), dx.view(), scratch.view(), s.from(),
                                   dx.view());
    CHECK(std::equal(whole.begin(), whole.end(), dx.data()));
  });
}

TEST_CASE("the adjoint of two rows at a time: <u, J t> = <J^T u, t>", "[cpu][convolution][adjoint]") {
  // Both sides are sums of float results; each is wrong by at most the bound of its chain, here 1e-5 of the
  // sum of sizes, several times what the longest chain of 8 x 190 terms and its sums can lose on average.
  for_all([](const dnalm::cpu_backend& cpu, const shape& s) {
    const auto t = random_matrix(s.from().rows(), s.inputs, 4);
    const auto u = random_matrix(s.to().rows(), s.outputs, 5);
    const auto packed =
        cpu.pack_convolution(random_matrix(s.outputs, s.taps * s.inputs, 2).view(), s.reads());
    matrix<float> y(s.to().rows(), s.outputs);
    matrix<float> dx(s.from().rows(), s.inputs);
    dnalm::buffer<float> scratch(
        std::max(cpu.convolution_scratch(packed), cpu.convolution_vjp_scratch(packed, s.reads())));
    cpu.convolution_between(t.view(), s.from(), packed, s.reads(), {}, scratch.view(), s.to(), y.view());
    cpu.convolution_between_vjp(u.view(), s.to(), packed, s.reads(), {}, scratch.view(), s.from(), dx.view());
    double left = 0.0;
    double right = 0.0;
    double size = 0.0;
    for (index_t i = 0; i < y.rows() * y.columns(); ++i) {
      const double term = static_cast<double>(u.data()[i]) * static_cast<double>(y.data()[i]);
      left += term;
      size += std::abs(term);
    }
    for (index_t i = 0; i < dx.rows() * dx.columns(); ++i) {
      right += static_cast<double>(dx.data()[i]) * static_cast<double>(t.data()[i]);
    }
    CHECK(std::abs(left - right) <= 1e-5 * size);
  });
}
