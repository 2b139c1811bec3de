// SPDX-License-Identifier: Apache-2.0
// Products with weights in every format and instruction set: what was rounded is rounded to the nearest, sums
// are as exact as a chain of float operations can be, gates are joined, long rows and many rows give the same
// numbers.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <tuple>
#include <vector>

#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/core/philox.hpp>
#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/tensor/dtype.hpp>
#include <support/catch.hpp>
#include <support/instruction_sets.hpp>

namespace {

using dnalm::activation;
using dnalm::index_t;
using dnalm::isa;
using dnalm::matrix;
using dnalm::weight_format;
using dnalm_test::instruction_sets;

const std::vector<weight_format> formats = {weight_format::f32, weight_format::bf16, weight_format::int8};

matrix<float> random_matrix(index_t rows, index_t columns, std::uint64_t seed, float scale = 1.0F) {
  matrix<float> x(rows, columns);
  dnalm::philox random(seed);
  for (index_t i = 0; i < rows * columns; ++i) x.data()[i] = scale * static_cast<float>(random.normal());
  return x;
}

float rounded(float x) {
  return dnalm::float_from_bf16(dnalm::bf16_from_float(x));
}

/// The weights that a format stands for.
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

struct sums {
  double value = 0.0;
  double size = 0.0;  // of the absolute terms
};

sums exact_sum(const matrix<float>& x, index_t r, const matrix<float>& w, index_t n, weight_format format) {
  sums s;
  for (index_t k = 0; k < x.columns(); ++k) {
    const float a = format == weight_format::f32 ? x(r, k) : rounded(x(r, k));
    const double term = static_cast<double>(a) * static_cast<double>(w(n, k));
    s.value += term;
    s.size += std::abs(term);
  }
  return s;
}

matrix<float> product(const dnalm::cpu_backend& cpu, dnalm::matrix_view<const float> x,
                      const dnalm::packed_weight& w, const dnalm::linear_epilogue<float>& epilogue,
                      bool join = false) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  matrix<float> y(x.rows, join ? w.outputs / 2 : w.outputs);
  std::fill_n(y.data(), y.rows() * y.columns(), nan);
  std::vector<float> scratch(static_cast<std::size_t>(cpu.linear_scratch(w)) + 8, nan);
  const dnalm::vector_view<float> inner{scratch.data(), cpu.linear_scratch(w)};
  std::fill(scratch.end() - 8, scratch.end(), 7.0F);
  if (join) {
    cpu.linear_gated(x, w, epilogue, inner, y.view());
  } else {
    cpu.linear(x, w, epilogue, inner, y.view());
  }
  CHECK(std::all_of(scratch.end() - 8, scratch.end(), [](float value) { return value == 7.0F; }));
  return y;
}

const double unit = std::ldexp(1.0, -24);

}  // namespace

TEST_CASE("bfloat16 is the nearest of all, ties to even", "[cpu]") {
  CHECK(rounded(1.0F) == 1.0F);
  CHECK(rounded(1.0F + std::ldexp(1.0F, -8)) == 1.0F);  // a tie: the even one below
  CHECK(rounded(1.0F + 3 * std::ldexp(1.0F, -8)) ==
        1.0F + std::ldexp(1.0F, -6));  // a tie: the even one above
  CHECK(rounded(-1.0F - 1.01F * std::ldexp(1.0F, -8)) == -1.0F - std::ldexp(1.0F, -7));
  CHECK(rounded(std::numeric_limits<float>::max()) == std::numeric_limits<float>::infinity());
  CHECK(std::isnan(rounded(std::numeric_limits<float>::quiet_NaN())));
  const auto narrow_nan = std::bit_cast<float>(0x7F800001U);  // its upper half alone would be infinity
  CHECK(std::isnan(rounded(narrow_nan)));
  dnalm::philox random(3);
  for (int i = 0; i < 100000; ++i) {
    const auto x = static_cast<float>(random.normal());
    const auto gap = std::abs(static_cast<double>(rounded(x)) - static_cast<double>(x));
    CHECK(gap <= std::ldexp(std::abs(static_cast<double>(x)), -8));
  }
}

TEST_CASE("a product with weights in any format is the product of the rounded numbers", "[cpu]") {
  // A chain of n float operations is wrong by at most n units of the sum of absolute terms; the pairs of
  // AVX512-BF16 round once for each product and once for each sum: two for each term. int8 adds the scale.
  const std::vector<std::tuple<index_t, index_t, index_t>> shapes = {
      {1, 1, 1},    {3, 33, 2},    {13, 31, 7},    {5, 40, 31},    {12, 32, 33},
      {41, 65, 64}, {97, 17, 511}, {100, 48, 513}, {29, 96, 1025}, {200, 70, 1100},
  };
  for (const isa set : instruction_sets(true)) {
    for (const weight_format format : formats) {
      const dnalm::cpu_backend cpu(set, format);
      for (const auto& [rows, outputs, inputs] : shapes) {
        INFO(dnalm::to_string(set) << " " << dnalm::to_string(format) << " " << rows << " " << outputs << " "
                                   << inputs);
        const auto x = random_matrix(rows, inputs, 1);
        const auto w = random_matrix(outputs, inputs, 2, 0.1F);
        const auto bias = random_matrix(1, outputs, 3);
        const auto residual = random_matrix(rows, outputs, 4);
        const auto y = product(cpu, x.view(), cpu.pack(w.view()),
                               {bias.view().row(0), activation::none, residual.view()});
        const auto meant = stored(w, format);
        double worst = 0.0;
        for (index_t r = 0; r < rows; ++r) {
          for (index_t n = 0; n < outputs; ++n) {
            const sums s = exact_sum(x, r, meant, n, format);
            const double b = static_cast<double>(bias(0, n));
            const double added = static_cast<double>(residual(r, n));
            const double allowed = unit * (static_cast<double>(2 * inputs + 6) * s.size +
                                           2.0 * (std::abs(b) + s.size) + std::abs(added));
            worst = std::max(worst, std::abs(static_cast<double>(y(r, n)) - (s.value + b + added)) / allowed);
          }
        }
        CHECK(worst <= 1.0);
      }
    }
  }
}

TEST_CASE("a gated weight gives both halves as any other, and joins them in one step", "[cpu]") {
  for (const isa set : instruction_sets(true)) {
    for (const weight_format format : formats) {
      const dnalm::cpu_backend cpu(set, format);
      for (const index_t inner : {1, 15, 16, 17, 48}) {
        for (const bool biased : {false, true}) {
          INFO(dnalm::to_string(set) << " " << dnalm::to_string(format) << " " << inner << " " << biased);
          const auto x = random_matrix(14, 37, 5);
          const auto w = random_matrix(2 * inner, 37, 6);
          const auto bias = random_matrix(1, 2 * inner, 7);
          dnalm::linear_epilogue<float> epilogue;
          if (biased) epilogue.bias = bias.view().row(0);
          const auto plain = product(cpu, x.view(), cpu.pack(w.view()), epilogue);
          const auto gated = cpu.pack_gated(w.view());
          const auto both = product(cpu, x.view(), gated, epilogue);
          CHECK(std::memcmp(both.data(), plain.data(), static_cast<std::size_t>(28 * inner) * 4) == 0);
          matrix<float> expected(14, inner);
          cpu.gated(plain.view(), activation::silu, expected.view());
          epilogue.function = activation::silu;
          const auto joined = product(cpu, x.view(), gated, epilogue, true);
          CHECK(std::memcmp(joined.data(), expected.data(), static_cast<std::size_t>(14 * inner) * 4) == 0);
        }
      }
    }
  }
}

TEST_CASE("a row keeps its bits in any batch, in every format", "[cpu]") {
  for (const isa set : instruction_sets(true)) {
    for (const weight_format format : formats) {
      const dnalm::cpu_backend cpu(set, format);
      const auto x = random_matrix(230, 600, 8);
      const auto packed = cpu.pack(random_matrix(50, 600, 9).view());
      const auto whole = product(cpu, x.view(), packed, {.function = activation::gelu_erf});
      for (const index_t count : {1, 5, 12, 100}) {
        for (index_t first = 0; first + count <= 230; first += 61) {
          const auto part =
              product(cpu, x.view().row_block(first, count), packed, {.function = activation::gelu_erf});
          CHECK(std::memcmp(part.data(), whole.data() + first * 50, static_cast<std::size_t>(count) * 200) ==
                0);
        }
      }
    }
  }
}

namespace {

/// dx = residual + dy W against sums in double, of dy as the format rounds it.
void check_adjoint(const dnalm::cpu_backend& cpu, weight_format format, bool gated, index_t rows,
                   index_t outputs, index_t inputs) {
  const auto w = random_matrix(outputs, inputs, 10, 0.1F);
  const auto dy = random_matrix(rows, outputs, 11);
  const auto packed = gated ? cpu.pack_gated(w.view()) : cpu.pack(w.view());
  dnalm::buffer<float> scratch(cpu.linear_vjp_scratch(packed));
  std::fill_n(scratch.data(), scratch.size(), std::numeric_limits<float>::quiet_NaN());
  const auto residual = random_matrix(rows, inputs, 12);
  matrix<float> dx(rows, inputs);
  cpu.linear_vjp(dy.view(), packed, residual.view(), scratch.view(), dx.view());
  const auto meant = stored(w, format);
  double worst = 0.0;
  for (index_t r = 0; r < rows; ++r) {
    for (index_t k = 0; k < inputs; ++k) {
      double sum = static_cast<double>(residual(r, k)), size = std::abs(sum);
      for (index_t n = 0; n < outputs; ++n) {
        const float number = format == weight_format::bf16 ? rounded(dy(r, n)) : dy(r, n);
        const double term = static_cast<double>(number) * static_cast<double>(meant(n, k));
        sum += term;
        size += std::abs(term);
      }
      const double allowed = unit * static_cast<double>(outputs + 4) * size;
      worst = std::max(worst, std::abs(static_cast<double>(dx(r, k)) - sum) / allowed);
    }
  }
  CHECK(worst <= 1.0);
}

}  // namespace

TEST_CASE("the adjoint multiplies with the weights the format stands for, gated or not", "[cpu][adjoint]") {
  for (const isa set : instruction_sets(true)) {
    for (const weight_format format : formats) {
      for (const bool gated : {false, true}) {
        const dnalm::cpu_backend cpu(set, format);
        INFO(dnalm::to_string(set) << " " << dnalm::to_string(format) << " " << gated);
        check_adjoint(cpu, format, gated, 600, 1046, 45);  // more than a block of rows; halves of 523 outputs
        check_adjoint(cpu, format, gated, 13, 2124, 102);  // halves of 1062: pairs, in three parts
        check_adjoint(cpu, format, gated, 3, 12, 7);
      }
    }
  }
}

TEST_CASE("a layer that records gives the bits of its steps, forward and adjoint", "[cpu][adjoint]") {
  // Halves of 523 and 524 that cross parts of 512; the latter are multiplied as pairs.
  const index_t outputs = GENERATE(1046, 1048);
  for (const isa set : instruction_sets(true)) {
    for (const weight_format format : formats) {
      for (const bool gated : {false, true}) {
        const dnalm::cpu_backend cpu(set, format);
        INFO(dnalm::to_string(set) << " " << dnalm::to_string(format) << " " << gated << " " << outputs);
        const index_t rows = 600, inputs = 45;
        const index_t width = gated ? outputs / 2 : outputs;
        const activation function = gated ? activation::silu : activation::gelu_erf;
        const auto w = random_matrix(outputs, inputs, 20, 0.1F);
        const auto packed = gated ? cpu.pack_gated(w.view()) : cpu.pack(w.view());
        const auto x = random_matrix(rows, inputs, 21);
        const auto bias = random_matrix(1, outputs, 22);
        const auto dy = random_matrix(rows, width, 23);
        const auto residual = random_matrix(rows, inputs, 24);
        const dnalm::linear_epilogue<float> plain{.bias = {bias.data(), outputs}};
        const dnalm::linear_epilogue<float> all{.bias = {bias.data(), outputs}, .function = function};
        dnalm::buffer<float> scratch(std::max(cpu.linear_scratch(packed), cpu.linear_vjp_scratch(packed)));
        const auto poisoned = [&] {
          std::fill_n(scratch.data(), scratch.size(), std::numeric_limits<float>::quiet_NaN());
          return scratch.view();
        };
        matrix<float> z(rows, outputs), y(rows, width), kept(rows, outputs), found(rows, width);
        cpu.linear(x.view(), packed, plain, poisoned(), z.view());
        gated ? cpu.gated(z.view(), function, y.view()) : cpu.activate(z.view(), function, y.view());
        cpu.linear_recorded(x.view(), packed, all, poisoned(), kept.view(), found.view());
        CHECK(std::memcmp(z.data(), kept.data(), static_cast<std::size_t>(rows * outputs) * 4) == 0);
        CHECK(std::memcmp(y.data(), found.data(), static_cast<std::size_t>(rows * width) * 4) == 0);
        matrix<float> dz(rows, outputs), dx(rows, inputs), dx_found(rows, inputs);
        gated ? cpu.gated_vjp(z.view(), function, dy.view(), dz.view())
              : cpu.activation_vjp(z.view(), function, dy.view(), dz.view());
        cpu.linear_vjp(dz.view(), packed, residual.view(), poisoned(), dx.view());
        cpu.linear_recorded_vjp(z.view(), function, dy.view(), packed, residual.view(), poisoned(),
                                dx_found.view());
        CHECK(std::memcmp(dx.data(), dx_found.data(), static_cast<std::size_t>(rows * inputs) * 4) == 0);
      }
    }
  }
}

TEST_CASE(
    "int8: columns of the smallest numbers become zeros; bf16: a weight that would be infinite is refused",
    "[cpu]") {
  const dnalm::cpu_backend cpu(weight_format::int8);
  matrix<float> w(40, 3);
  const float smallest = std::numeric_limits<float>::denorm_min();
  for (index_t n = 0; n < 40; ++n) w(n, 1) = (n % 2 == 0 ? 190 : 20) * smallest;
  const auto x = random_matrix(2, 3, 1);
  const auto y = product(cpu, x.view(), cpu.pack(w.view()), {});
  CHECK(std::all_of(y.data(), y.data() + 80, [](float value) { return value == 0.0F; }));
  w(39, 2) = 3.4e38F;
  try {
    static_cast<void>(dnalm::pack_weight(w.view(), weight_format::bf16));
    FAIL("packed");
  } catch (const dnalm::error& problem) {
    CHECK(problem.id() == "dnalm.numeric.354");
  }
  w(39, 2) = 3.3e38F;
  CHECK(dnalm::pack_weight(w.view(), weight_format::bf16).outputs == 40);
}

TEST_CASE("a gated weight with an odd number of rows is refused", "[cpu]") {
  const auto w = random_matrix(3, 2, 1);
  try {
    static_cast<void>(dnalm::pack_weight(w.view(), weight_format::f32, true));
    FAIL("packed");
  } catch (const dnalm::error& problem) {
    CHECK(problem.id() == "dnalm.shape.352");
  }
}

TEST_CASE("a part of a weight's outputs gives them the bits of the whole, in every format", "[cpu][pieces]") {
  const auto x = random_matrix(41, 70, 1);
  const auto w = random_matrix(150, 70, 2, 0.1F);
  const auto bias = random_matrix(1, 150, 3);
  for (const isa set : instruction_sets(true)) {
    for (const weight_format format : formats) {
      const dnalm::cpu_backend cpu(set, format);
      const auto packed = cpu.pack(w.view());
      const auto whole = product(cpu, x.view(), packed, {.bias = bias.view().row(0)});
      CHECK_FALSE(cpu.has_part_at(50));
      for (const auto& [first, count] : {std::pair<index_t, index_t>{0, 50}, {32, 1}, {64, 86}, {0, 150}}) {
        INFO(dnalm::to_string(set) << " " << dnalm::to_string(format) << " " << first << " " << count);
        REQUIRE(cpu.has_part_at(first));
        const auto part = product(cpu, x.view(), cpu.part_of(packed, first, count),
                                  {.bias = bias.view().row(0).part(first, count)});
        for (index_t r = 0; r < 41; ++r) {
          REQUIRE(std::equal(part.data() + r * count, part.data() + (r + 1) * count,
                             whole.data() + r * 150 + first));
        }
      }
    }
  }
}
