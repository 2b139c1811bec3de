// SPDX-License-Identifier: Apache-2.0
// Convolutions as packed products: the bits of the product with all rows gathered by hand, within the bound
// of the double loops, adjoint to themselves, whatever else stands in the batch and however many threads
// work.
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <dnalm/tensor/dtype.hpp>
#include <support/adjoint_test.hpp>
#include <support/catch.hpp>
#include <support/instruction_sets.hpp>

namespace {

using dnalm::activation;
using dnalm::convolution_taps;
using dnalm::index_t;
using dnalm::isa;
using dnalm::matrix;
using dnalm::weight_format;
using dnalm_test::instruction_sets;
using dnalm_test::numbers;
using dnalm_test::poisoned;
using dnalm_test::poisoned_scratch;

const std::vector<weight_format> formats = {weight_format::f32, weight_format::bf16, weight_format::int8};

struct shape {
  index_t inputs;
  index_t outputs;
  convolution_taps taps;
  std::vector<index_t> lengths;

  [[nodiscard]] dnalm::ragged_offsets offsets() const {
    dnalm::ragged_offsets all;
    for (const index_t length : lengths) all.append(length);
    return all;
  }
  [[nodiscard]] index_t rows() const { return offsets().rows(); }
  [[nodiscard]] index_t depth() const { return taps.taps * inputs; }
  [[nodiscard]] std::string name() const {
    return std::to_string(inputs) + " to " + std::to_string(outputs) + ", taps " + std::to_string(taps.taps) +
           ", dilation " + std::to_string(taps.dilation) + ", before " + std::to_string(taps.before) + ", " +
           std::to_string(rows()) + " rows";
  }
};

/// One channel and one row; taps beyond the sequence; pieces of 512 and 1024 words that end within a tap;
/// even numbers of taps; odd widths, whose taps begin between the halves of pairs; empty sequences; taps that
/// only look ahead; outputs whose adjoint has several parts of pairs.
const std::vector<shape> shapes = {
    {1, 1, dnalm::same_taps(1), {1}},
    {1, 33, dnalm::same_taps(4, 3), {1, 7, 2}},
    {5, 17, dnalm::same_taps(3), {0, 4, 1, 0, 13, 0}},
    {7, 40, dnalm::same_taps(9, 32), {50, 3, 300}},
    {33, 31, dnalm::causal_taps(4), {5, 1, 29}},
    {70, 48, dnalm::same_taps(9, 2), {97, 1, 5}},
    {64, 32, dnalm::same_taps(9, 4), {11, 101}},
    {260, 70, dnalm::causal_taps(5, 2), {40, 2}},
    {513, 3, dnalm::same_taps(3), {13}},
    {6, 9, {3, 2, -1}, {8, 3}},
    {34, 250, dnalm::same_taps(9), {20, 3}},
};

matrix<float> random_matrix(index_t rows, index_t columns, std::uint64_t seed, float scale = 1.0F) {
  matrix<float> x(rows, columns);
  dnalm::philox random(seed);
  for (index_t i = 0; i < rows * columns; ++i) x.data()[i] = scale * static_cast<float>(random.normal());
  return x;
}
float rounded(float x) {
  return dnalm::float_from_bf16(dnalm::bf16_from_float(x));
}
matrix<double> widened(const matrix<float>& x, bool absolute = false) {
  matrix<double> y(x.rows(), x.columns());
  for (index_t i = 0; i < x.rows() * x.columns(); ++i) {
    y.data()[i] = static_cast<double>(absolute ? std::abs(x.data()[i]) : x.data()[i]);
  }
  return y;
}
/// The numbers that a format multiplies: those of W, and x as it is rounded.
matrix<float> stored(const matrix<float>& w, weight_format format) {
  matrix<float> result(w.rows(), w.columns());
  for (index_t n = 0; n < w.rows(); ++n) {
    float most = 0.0F;
    for (index_t k = 0; k < w.columns(); ++k) most = std::max(most, std::abs(w(n, k)));
    const float step = most > 0.0F ? most / 127.0F : 1.0F;
    for (index_t k = 0; k < w.columns(); ++k) {
      result(n, k) = format == weight_format::f32    ? w(n, k)
                     : format == weight_format::bf16 ? rounded(w(n, k))
                                                     : std::nearbyint(w(n, k) / step) * step;
    }
  }
  return result;
}
matrix<float> multiplied(const matrix<float>& x, weight_format format) {
  matrix<float> result(x.rows(), x.columns());
  for (index_t i = 0; i < x.rows() * x.columns(); ++i) {
    result.data()[i] = format == weight_format::f32 ? x.data()[i] : rounded(x.data()[i]);
  }
  return result;
}
/// dy as the adjoint multiplies it.
matrix<float> carried(const matrix<float>& dy, weight_format format) {
  return multiplied(dy, format == weight_format::bf16 ? format : weight_format::f32);
}

bool same_bits(const matrix<float>& a, const matrix<float>& b) {
  const auto bytes = static_cast<std::size_t>(a.rows() * a.columns()) * sizeof(float);
  return a.rows() == b.rows() && a.columns() == b.columns() &&
         (bytes == 0 || std::memcmp(a.data(), b.data(), bytes) == 0);
}

/// The rows of a poisoned matrix, whose frame must be whole.
matrix<float> taken(const poisoned<float>& y) {
  CHECK(y.frame_is_whole());
  const auto view = y.view();
  matrix<float> copy(view.rows, view.columns);
  for (index_t r = 0; r < view.rows; ++r) {
    for (index_t c = 0; c < view.columns; ++c) copy(r, c) = view(r, c);
  }
  return copy;
}
poisoned<float> framed(const matrix<float>& x) {
  poisoned<float> y(x.rows(), x.columns());
  for (index_t r = 0; r < x.rows(); ++r) {
    for (index_t c = 0; c < x.columns(); ++c) y.view()(r, c) = x(r, c);
  }
  return y;
}

/// The kernel into poisoned memory, from strided rows.
matrix<float> convolved(const dnalm::cpu_backend& cpu, const matrix<float>& x,
                        const dnalm::ragged_offsets& offsets, const dnalm::packed_weight& w,
                        const convolution_taps& taps, const dnalm::linear_epilogue<float>& epilogue) {
  const poisoned<float> input = framed(x);
  poisoned<float> y(x.rows(), w.outputs);
  poisoned_scratch<float> scratch(cpu.convolution_scratch(w));
  cpu.convolution(input.view(), offsets, w, taps, epilogue, scratch.view(), y.view());
  CHECK(scratch.frame_is_whole());
  return taken(y);
}
matrix<float> convolved_vjp(const dnalm::cpu_backend& cpu, const matrix<float>& dy,
                            const dnalm::ragged_offsets& offsets, const dnalm::packed_weight& w,
                            const convolution_taps& taps, dnalm::matrix_view<const float> residual) {
  const poisoned<float> input = framed(dy);
  poisoned<float> dx(dy.rows(), w.inputs / taps.taps);
  poisoned_scratch<float> scratch(cpu.convolution_vjp_scratch(w, taps));
  cpu.convolution_vjp(input.view(), offsets, w, taps, residual, scratch.view(), dx.view());
  CHECK(scratch.frame_is_whole());
  return taken(dx);
}

/// What every output row reads, one below the other.
matrix<float> gathered(const matrix<float>& x, const dnalm::ragged_offsets& offsets,
                       const convolution_taps& taps) {
  matrix<float> all(x.rows(), taps.taps * x.columns());
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
      for (index_t t = 0; t < taps.taps; ++t) {
        const index_t from = r + t * taps.dilation - taps.before;
        if (from < offsets.begin(s) || from >= offsets.begin(s + 1)) continue;
        for (index_t c = 0; c < x.columns(); ++c) all(r, t * x.columns() + c) = x(from, c);
      }
    }
  }
  return all;
}

const double unit = std::ldexp(1.0, -24);

template <class Work>
void for_all(const std::vector<isa>& sets, Work&& work) {
  for (const isa set : sets) {
    for (const weight_format format : formats) {
      for (const shape& s : shapes) {
        INFO(dnalm::to_string(set) << " " << dnalm::to_string(format) << " " << s.name());
        work(dnalm::cpu_backend(set, format), format, s);
      }
    }
  }
}

}  // namespace

TEST_CASE("taps: where they look, and how the adjoint looks back", "[cpu][convolution]") {
  CHECK(dnalm::same_taps(9, 32).before == 128);
  CHECK(dnalm::same_taps(9, 32).offset(4) == 0);
  CHECK(dnalm::same_taps(4).before == 1);  // one more behind
  CHECK(dnalm::same_taps(2, 3).before == 1);
  CHECK(dnalm::causal_taps(4, 2).offset(3) == 0);
  for (const shape& s : shapes) {
    const convolution_taps back = s.taps.reversed();
    for (index_t t = 0; t < s.taps.taps; ++t) CHECK(back.offset(s.taps.taps - 1 - t) == -s.taps.offset(t));
  }
}

TEST_CASE("a convolution has the bits of the product with the gathered rows", "[cpu][convolution]") {
  for_all(instruction_sets(true), [](const dnalm::cpu_backend& cpu, weight_format, const shape& s) {
    const auto x = random_matrix(s.rows(), s.inputs, 1);
    const auto w = cpu.pack(random_matrix(s.outputs, s.depth(), 2, 0.1F).view());
    const auto bias = random_matrix(1, s.outputs, 3);
    const auto residual = random_matrix(s.rows(), s.outputs, 4);
    const dnalm::linear_epilogue<float> epilogue{bias.view().row(0), activation::gelu_erf, residual.view()};
    matrix<float> expected(s.rows(), s.outputs);
    dnalm::buffer<float> scratch(cpu.linear_scratch(w));
    cpu.linear(gathered(x, s.offsets(), s.taps).view(), w, epilogue, scratch.view(), expected.view());
    CHECK(same_bits(convolved(cpu, x, s.offsets(), w, s.taps, epilogue), expected));
  });
}

TEST_CASE("a convolution is that of the rounded numbers", "[cpu][convolution]") {
  // As for products (packed_linear_test): a chain of n float operations is wrong by at most n units of the
  // sum of absolute terms, pairs round twice for each term, and int8 adds the scale.
  for_all(instruction_sets(true), [](const dnalm::cpu_backend& cpu, weight_format format, const shape& s) {
    const auto x = random_matrix(s.rows(), s.inputs, 1);
    const auto w = random_matrix(s.outputs, s.depth(), 2, 0.1F);
    const auto bias = random_matrix(1, s.outputs, 3);
    const auto offsets = s.offsets();
    const auto y = convolved(cpu, x, offsets, cpu.pack(w.view()), s.taps, {bias.view().row(0)});
    matrix<double> exact(s.rows(), s.outputs);
    matrix<double> size(s.rows(), s.outputs);
    const auto exact_bias = widened(bias);
    const auto size_of_bias = widened(bias, true);
    dnalm::reference_convolution(widened(multiplied(x, format)).view(), offsets,
                                 widened(stored(w, format)).view(), s.taps, {exact_bias.view().row(0)},
                                 exact.view());
    dnalm::reference_convolution(widened(multiplied(x, format), true).view(), offsets,
                                 widened(stored(w, format), true).view(), s.taps,
                                 {size_of_bias.view().row(0)}, size.view());
    double worst = 0.0;
    for (index_t i = 0; i < s.rows() * s.outputs; ++i) {
      const double allowed = unit * static_cast<double>(2 * s.depth() + 10) * size.data()[i];
      const double gap = std::abs(static_cast<double>(y.data()[i]) - exact.data()[i]);
      worst = std::max(worst, std::isnan(gap) ? 1e300 : gap / allowed);
    }
    CHECK(worst <= 1.0);
  });
}

TEST_CASE("the adjoint of a convolution is that of the weights the format stands for",
          "[cpu][convolution][adjoint]") {
  for_all(instruction_sets(true), [](const dnalm::cpu_backend& cpu, weight_format format, const shape& s) {
    const auto dy = random_matrix(s.rows(), s.outputs, 5);
    const auto w = random_matrix(s.outputs, s.depth(), 2, 0.1F);
    const auto residual = random_matrix(s.rows(), s.inputs, 6);
    const auto packed = cpu.pack(w.view());
    const auto offsets = s.offsets();
    const auto dx = convolved_vjp(cpu, dy, offsets, packed, s.taps, residual.view());
    matrix<double> exact(s.rows(), s.inputs);
    matrix<double> size(s.rows(), s.inputs);
    const auto added = widened(residual);
    const auto size_added = widened(residual, true);
    const auto multiplier = carried(dy, format);
    dnalm::reference_convolution_vjp(widened(multiplier).view(), offsets, widened(stored(w, format)).view(),
                                     s.taps, added.view(), exact.view());
    dnalm::reference_convolution_vjp(widened(multiplier, true).view(), offsets,
                                     widened(stored(w, format), true).view(), s.taps, size_added.view(),
                                     size.view());
    double worst = 0.0;
    for (index_t i = 0; i < s.rows() * s.inputs; ++i) {
      const double terms = static_cast<double>(s.taps.taps * s.outputs);
      const double allowed = unit * (terms + 6.0) * size.data()[i];
      const double gap = std::abs(static_cast<double>(dx.data()[i]) - exact.data()[i]);
      worst = std::max(worst, std::isnan(gap) ? 1e300 : gap / allowed);
    }
    CHECK(worst <= 1.0);
    matrix<float> in_place = matrix<float>(s.rows(), s.inputs);
    std::copy_n(residual.data(), s.rows() * s.inputs, in_place.data());
    dnalm::buffer<float> scratch(cpu.convolution_vjp_scratch(packed, s.taps));
    cpu.convolution_vjp(dy.view(), offsets, packed, s.taps, in_place.view(), scratch.view(), in_place.view());
    CHECK(same_bits(in_place, dx));
  });
}

TEST_CASE("the convolution's adjoint in double: <u, J t> = <J^T u, t>", "[cpu][convolution][adjoint]") {
  const dnalm::reference_backend backend;
  for (const shape& s :
       {shapes[0], shapes[1], shapes[2], shapes[9], shape{4, 3, dnalm::same_taps(5, 2), {9, 2}}}) {
    INFO(s.name());
    const numbers w = dnalm_test::normal_numbers(s.outputs * s.depth(), 7);
    const auto weight = backend.pack(dnalm::as_matrix(w.data(), s.outputs, s.depth()));
    const auto offsets = s.offsets();
    dnalm_test::adjoint_problem problem;
    problem.x = dnalm_test::normal_numbers(s.rows() * s.inputs, 8);
    problem.forward = [&](const numbers& x) {
      poisoned<double> y(s.rows(), s.outputs);
      const poisoned<double> input(s.rows(), s.inputs, x.data());
      backend.convolution(input.view(), offsets, weight, s.taps, {}, {}, y.view());
      CHECK(y.frame_is_whole());
      numbers all;
      dnalm_test::append_numbers(y.view(), all);
      return all;
    };
    problem.vjp = [&](const numbers&, const numbers& u) {
      poisoned<double> dx(s.rows(), s.inputs);
      const poisoned<double> dy(s.rows(), s.outputs, u.data());
      backend.convolution_vjp(dy.view(), offsets, weight, s.taps, {}, {}, dx.view());
      CHECK(dx.frame_is_whole());
      numbers all;
      dnalm_test::append_numbers(dx.view(), all);
      return all;
    };
    dnalm_test::check_adjoint(problem, 11);
  }
}

TEST_CASE("a convolution's rows keep their bits in any batch and on any team", "[cpu][convolution]") {
  for_all(instruction_sets(true), [](const dnalm::cpu_backend& cpu, weight_format, const shape& s) {
    const auto x = random_matrix(s.rows(), s.inputs, 1);
    const auto dy = random_matrix(s.rows(), s.outputs, 5);
    const auto w = cpu.pack(random_matrix(s.outputs, s.depth(), 2, 0.1F).view());
    const auto offsets = s.offsets();
    const auto y = convolved(cpu, x, offsets, w, s.taps, {.function = activation::silu});
    const auto dx = convolved_vjp(cpu, dy, offsets, w, s.taps, {});
    dnalm::thread_team team(3);
    const auto shared = cpu.on_team(&team);
    CHECK(same_bits(convolved(shared, x, offsets, w, s.taps, {.function = activation::silu}), y));
    CHECK(same_bits(convolved_vjp(shared, dy, offsets, w, s.taps, {}), dx));
    for (index_t i = 0; i < offsets.sequences(); ++i) {
      const index_t first = offsets.begin(i);
      const index_t length = offsets.length(i);
      dnalm::ragged_offsets alone;
      alone.append(length);
      const auto part = [&](const matrix<float>& all) {
        matrix<float> rows(length, all.columns());
        for (index_t r = 0; r < length; ++r) {
          for (index_t c = 0; c < all.columns(); ++c) rows(r, c) = all(first + r, c);
        }
        return rows;
      };
      CHECK(same_bits(convolved(cpu, part(x), alone, w, s.taps, {.function = activation::silu}), part(y)));
      CHECK(same_bits(convolved_vjp(cpu, part(dy), alone, w, s.taps, {}), part(dx)));
    }
  });
}
