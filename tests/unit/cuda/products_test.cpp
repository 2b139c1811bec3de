// SPDX-License-Identifier: Apache-2.0
// Products on a GPU in every precision, on the emulation: against the reference, and bit for bit whatever the
// rows' address, the batch, and what cuBLASLt can do.
#include <cstring>
#include <limits>

#include <dnalm/reference/reference_backend.hpp>
#include <support/cuda_emulation/emulated_backend.hpp>
#include <support/cuda_emulation/guarded.hpp>
#include <unit/backend/kernel_forward_cases.hpp>

using namespace dnalm_test::gpu;
using dnalm::activation;
using dnalm::cuda_precision;
using dnalm::matrix;

namespace {

constexpr cuda_precision precisions[] = {cuda_precision::f32, cuda_precision::tf32, cuda_precision::bf16,
                                         cuda_precision::f16};

/// Relative rounding of weights and rows.
double rounding_of(cuda_precision precision) {
  switch (precision) {
    case cuda_precision::bf16: return 0x1p-8;
    case cuda_precision::f32: return 0.0;
    default: return 0x1p-11;
  }
}

/// What the emulated cuBLASLt does as long as this lives.
class behaviour {
 public:
  explicit behaviour(const matmul_behaviour& now) : before_(matmul_settings()) { matmul_settings() = now; }
  behaviour(const behaviour&) = delete;
  behaviour& operator=(const behaviour&) = delete;
  ~behaviour() { matmul_settings() = before_; }

 private:
  matmul_behaviour before_;
};

enum class form { plain, with_bias, with_residual, activated, all, gated, adjoint };
constexpr form forms[] = {form::plain, form::with_bias, form::with_residual, form::activated,
                          form::all,   form::gated,     form::adjoint};

/// One product of every form on a backend; rows [first, first + count) of it.
struct product {
  index_t rows = 11;
  index_t inputs = 24;
  index_t outputs = 16;
  double scale = 1.0;  ///< of the rows

  [[nodiscard]] index_t columns(form f) const {
    return f == form::gated ? outputs / 2 : f == form::adjoint ? inputs : outputs;
  }
  [[nodiscard]] matrix<double> x(form f) const {
    return random_matrix(rows, f == form::adjoint ? outputs : inputs, 3, scale);
  }
  [[nodiscard]] matrix<double> weights() const { return random_matrix(outputs, inputs, 4); }
  [[nodiscard]] matrix<double> bias() const { return random_matrix(1, outputs, 5); }
  [[nodiscard]] matrix<double> residual(form f) const { return random_matrix(rows, columns(f), 6); }

  template <class B, class T>
  void run(const B& b, form f, dnalm::matrix_view<const T> in, dnalm::matrix_view<const T> w,
           dnalm::vector_view<const T> shift, dnalm::matrix_view<const T> added,
           dnalm::matrix_view<T> y) const {
    dnalm::linear_epilogue<T> e;
    if (f == form::with_bias || f == form::all || f == form::gated) e.bias = shift;
    if (f == form::with_residual || f == form::all) e.residual = added;
    if (f == form::activated || f == form::all || f == form::gated) e.function = activation::gelu_erf;
    const auto packed = f == form::gated ? b.pack_gated(w) : b.pack(w);
    dnalm::buffer<T> scratch(b.linear_scratch(packed));
    if (f == form::gated) {
      b.linear_gated(in, packed, e, scratch.view(), y);
    } else if (f == form::adjoint) {
      b.linear_vjp(in, packed, added, scratch.view(), y);
    } else {
      b.linear(in, packed, e, scratch.view(), y);
    }
  }

  [[nodiscard]] matrix<double> expected(form f) const {
    matrix<double> y(rows, columns(f));
    run<dnalm::reference_backend, double>(dnalm::reference_backend(), f, x(f).view(), weights().view(),
                                          bias().view().row(0), residual(f).view(), y.view());
    return y;
  }
  /// In float on the emulation; memory `shift` numbers off an aligned address.
  [[nodiscard]] guarded<float> found(const emulated_backend& b, form f, index_t first, index_t count,
                                     index_t shift) const {
    guarded<float> in(rows_of(x(f), first, count), shift);
    guarded<float> w(weights().view());
    guarded<float> offset(bias().view(), shift);
    guarded<float> added(rows_of(residual(f), first, count), shift);
    guarded<float> y(count, columns(f), shift);
    const auto host = [](guarded<float>& m) {
      const auto v = m.view();
      return dnalm::matrix_view<float>{v.data, v.rows, v.columns, v.stride};
    };
    run<emulated_backend, float>(b, f, host(in), host(w), host(offset).row(0), host(added), host(y));
    CHECK(y.frame_is_whole());
    return y;
  }
};

/// Largest difference in units of the size of the result: sum |x| |w| + |bias| + |residual| is below 100 here
/// times scale, the gate multiplies by another such number below 40.
double gap_of(const product& p, const emulated_backend& b, form f) {
  return largest_gap(p.expected(f), p.found(b, f, 0, p.rows, 0));
}

}  // namespace

TEST_CASE("cuda products in every precision", "[cuda]") {
  for (const cuda_precision precision : precisions) {
    const emulated_backend b({.precision = precision});
    for (const form f : forms) {
      INFO("precision " << static_cast<int>(precision) << " form " << static_cast<int>(f));
      const double gap = gap_of({}, b, f);
      // Both factors of up to 24 terms of size 1 are rounded: 2 x 24 roundings at most, rarely so many; a
      // gate multiplies two such sums of size 5.
      const double bound = 48 * rounding_of(precision) * (f == form::gated ? 5.0 : 1.0);
      CHECK(gap <= bound + 1e-5);
      // The rows of this test are exact in 16 bits, sums are not: the precision is seen where it is used.
      if (precision == cuda_precision::f32) CHECK(gap < 1e-5);
    }
  }
}

TEST_CASE("cuda products round weights and rows as the precision says", "[cuda]") {
  // 1 + 2^-8 is between two bfloat16 numbers, 1 + 2^-11 between two halves: each rounds to 1.
  const float between[] = {1.0F + 0x1p-8F, 1.0F + 0x1p-11F};
  const cuda_precision kinds[] = {cuda_precision::bf16, cuda_precision::f16};
  for (int i = 0; i < 2; ++i) {
    for (const cuda_precision precision : precisions) {
      const emulated_backend b({.precision = precision});
      const float one = 1.0F;
      float y = 0.0F;
      b.linear({&between[i], 1, 1, 1}, b.pack({&one, 1, 1, 1}), {}, {}, {&y, 1, 1, 1});
      float z = 0.0F;
      b.linear({&one, 1, 1, 1}, b.pack({&between[i], 1, 1, 1}), {}, {}, {&z, 1, 1, 1});
      const bool rounded = precision == kinds[i] || (i == 1 && precision == cuda_precision::bf16);
      INFO(i << " precision " << static_cast<int>(precision));
      if (precision == cuda_precision::tf32) continue;  // ties go another way
      CHECK(y == (rounded ? 1.0F : between[i]));
      CHECK(z == (rounded ? 1.0F : between[i]));
    }
  }
}

TEST_CASE("cuda products of half numbers keep rows of any size", "[cuda]") {
  const emulated_backend b({.precision = cuda_precision::f16});
  for (const double scale : {1e-30, 1e-6, 1.0, 1e6, 1e30}) {
    product p;
    p.scale = scale;
    const matrix<double> y = p.expected(form::plain);
    const auto found = p.found(b, form::plain, 0, p.rows, 0);
    double worst = 0.0;
    for (index_t r = 0; r < p.rows; ++r) {
      for (index_t c = 0; c < p.outputs; ++c) {
        const double gap = std::abs(found(r, c) - y(r, c)) / scale;
        worst = std::isnan(gap) ? 1e300 : std::max(worst, gap);
      }
    }
    INFO("scale " << scale);
    CHECK(worst <= 48 * 0x1p-11);
  }
  // A row of zeros, and infinities and NaN, which stay what they are.
  const float weights[] = {1.0F, 2.0F};
  const float infinity = std::numeric_limits<float>::infinity();
  const float x[] = {0.0F, 0.0F, infinity, 1.0F, std::nanf(""), 1.0F};
  float y[3];
  b.linear({x, 3, 2, 2}, b.pack({weights, 1, 2, 2}), {}, {}, {y, 3, 1, 1});
  CHECK(y[0] == 0.0F);
  CHECK(y[1] == infinity);
  CHECK(std::isnan(y[2]));
}

TEST_CASE("a row of a cuda product has the same bits at any address, in any batch, in any block", "[cuda]") {
  for (const cuda_precision precision : precisions) {
    for (const auto& [inputs, outputs] : {std::pair<index_t, index_t>{24, 16}, {5, 6}}) {
      product p;
      p.inputs = inputs;
      p.outputs = outputs;
      const emulated_backend whole({.precision = precision});
      const emulated_backend blocks({.precision = precision, .block_rows = 4});
      for (const form f : forms) {
        INFO("precision " << static_cast<int>(precision) << " form " << static_cast<int>(f));
        const auto together = p.found(whole, f, 0, p.rows, 0);
        const auto in_blocks = p.found(blocks, f, 0, p.rows, 1);
        for (index_t r = 0; r < p.rows; ++r) {
          CHECK(in_blocks.same_row(r, together, r));
          for (const index_t shift : {0, 1, 2, 4}) {
            CHECK(p.found(whole, f, r, 1, shift).same_row(0, together, r));
          }
        }
      }
    }
  }
}

TEST_CASE("cuda products when cuBLASLt takes only the planned rows", "[cuda]") {
  for (const cuda_precision precision : precisions) {
    const emulated_backend b({.precision = precision, .block_rows = 8});
    for (const form f : forms) {
      INFO("precision " << static_cast<int>(precision) << " form " << static_cast<int>(f));
      const product p;
      const auto together = p.found(b, f, 0, p.rows, 0);
      const behaviour strict({.takes_any_rows = false});
      const auto padded = p.found(b, f, 0, p.rows, 0);
      const auto shifted = p.found(b, f, 0, p.rows, 3);
      for (index_t r = 0; r < p.rows; ++r) {
        CHECK(padded.same_row(r, together, r));
        CHECK(shifted.same_row(r, together, r));
      }
    }
  }
}

TEST_CASE("cuda products when cuBLASLt knows no bias, or nothing", "[cuda]") {
  const product p;
  {
    const behaviour plain({.knows_bias = false});
    for (const cuda_precision precision : precisions) {
      const emulated_backend b({.precision = precision});
      for (const form f : forms) {
        CHECK(gap_of(p, b, f) <= 48 * rounding_of(precision) * (f == form::gated ? 5.0 : 1.0) + 1e-5);
      }
    }
  }
  const behaviour nothing({.knows_any = false});
  const auto run = [&] { static_cast<void>(p.found(emulated_backend(), form::plain, 0, 1, 0)); };
  CHECK(dnalm_test::error_id_of(run) == "dnalm.device.621");
}

TEST_CASE("a cuda product after linear and activate has the bits of one with the function", "[cuda]") {
  for (const cuda_precision precision : precisions) {
    const emulated_backend b({.precision = precision});
    const matrix<double> numbers = random_matrix(40, 24, 8);
    guarded<float> copy(numbers.view());
    const dnalm::matrix_view<const float> x{copy.view().data, 7, 24, copy.view().stride};
    const dnalm::matrix_view<const float> weights{copy.view().row_data(8), 32, 24, copy.view().stride};
    std::vector<float> bias(32, 0.25F);
    const auto w = b.pack_gated(weights);
    dnalm::matrix<float> both(7, 32);
    dnalm::matrix<float> y(7, 16);
    dnalm::matrix<float> z(7, 16);
    b.linear(x, w, {{bias.data(), 32}}, {}, both.view());
    b.gated(both.view(), activation::silu, z.view());
    b.linear_gated(x, w, {{bias.data(), 32}, activation::silu}, {}, y.view());
    CHECK(std::memcmp(y.data(), z.data(), 7 * 16 * sizeof(float)) == 0);
    dnalm::matrix<float> activated(7, 32);
    b.linear(x, w, {{bias.data(), 32}, activation::gelu_tanh}, {}, activated.view());
    b.activate(both.view(), activation::gelu_tanh, both.view());
    CHECK(std::memcmp(activated.data(), both.data(), 7 * 32 * sizeof(float)) == 0);
  }
}

TEST_CASE("weights that a GPU cannot keep are errors", "[cuda]") {
  const auto id_of = [](const dnalm::cuda_options& options, dnalm::matrix_view<const float> w, bool gated) {
    const emulated_backend b(options);
    return dnalm_test::error_id_of([&] { static_cast<void>(gated ? b.pack_gated(w) : b.pack(w)); });
  };
  const float large[] = {1.0F, 65520.0F, 3.4e38F};
  const dnalm::matrix_view<const float> one{large, 1, 1, 1};
  const dnalm::matrix_view<const float> two{large, 1, 2, 2};
  const dnalm::matrix_view<const float> three{large, 1, 3, 3};
  CHECK(id_of({.precision = cuda_precision::f16}, one, false) == "");
  CHECK(id_of({.precision = cuda_precision::f16}, two, false) == "dnalm.numeric.354");
  CHECK(id_of({.precision = cuda_precision::bf16}, two, false) == "");
  CHECK(id_of({.precision = cuda_precision::bf16}, three, false) == "dnalm.numeric.354");
  CHECK(id_of({.precision = cuda_precision::f32}, three, false) == "");
  CHECK(id_of({}, one, true) == "dnalm.shape.352");
  const emulated_backend b;
  const dnalm::matrix_view<const float> parts[] = {one, two};
  CHECK(dnalm_test::error_id_of([&] { static_cast<void>(b.pack_parts(parts, false)); }) == "dnalm.shape.353");
}

TEST_CASE("weights in parts are those of one matrix", "[cuda]") {
  const emulated_backend b;
  const matrix<double> numbers = random_matrix(9, 10, 9);
  guarded<float> w(numbers.view());
  const dnalm::matrix_view<const float> all{w.view().data, 9, 10, w.view().stride};
  const dnalm::matrix_view<const float> parts[] = {all.row_block(0, 4), all.row_block(4, 0),
                                                   all.row_block(4, 5)};
  dnalm::matrix<float> y(9, 9);
  dnalm::matrix<float> z(9, 9);
  b.linear(all, b.pack(all), {}, {}, y.view());
  b.linear(all, b.pack_parts(parts, false), {}, {}, z.view());
  CHECK(std::memcmp(y.data(), z.data(), 81 * sizeof(float)) == 0);
}
