// SPDX-License-Identifier: Apache-2.0
// Products of rows in bfloat16 on the emulation: every mixture of storage types, against the reference, and
// bit for bit whatever the rows' address, the batch, and what cuBLASLt can do.
#include <cmath>
#include <type_traits>
#include <vector>

#include <dnalm/cuda/cuda_bf16_backend.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <support/cuda_emulation/backend.hpp>
#include <support/cuda_emulation/guarded.hpp>
#include <unit/backend/kernel_forward_cases.hpp>

using namespace dnalm_test::gpu;
using dnalm::activation;
using dnalm::bfloat16;
using dnalm::cuda_bf16_backend;
using dnalm::cuda_precision;
using dnalm::matrix;

namespace {

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

enum class form { plain, with_bias, with_residual, activated, shifted, all, gated };
constexpr form forms[] = {form::plain,   form::with_bias, form::with_residual, form::activated,
                          form::shifted, form::all,       form::gated};

/// One product of every form. All its numbers are exact in bfloat16.
struct product {
  index_t inputs = 24;
  index_t outputs = 16;
  index_t rows = 11;

  [[nodiscard]] index_t columns(form f) const { return f == form::gated ? outputs / 2 : outputs; }
  [[nodiscard]] matrix<double> x() const { return random_matrix(rows, inputs, 3); }
  [[nodiscard]] matrix<double> weights() const { return random_matrix(outputs, inputs, 4); }
  [[nodiscard]] matrix<double> bias() const { return random_matrix(1, outputs, 5); }
  [[nodiscard]] matrix<double> residual(form f) const { return random_matrix(rows, columns(f), 6); }

  template <class Epilogue, class Bias, class Residual>
  [[nodiscard]] static Epilogue epilogue(form f, Bias bias, Residual residual) {
    Epilogue e;
    const bool function = f == form::activated || f == form::shifted || f == form::all || f == form::gated;
    if (f == form::with_bias || f == form::shifted || f == form::all || f == form::gated) e.bias = bias;
    if (f == form::with_residual || f == form::all) e.residual = residual;
    if (function) e.function = activation::gelu_erf;
    return e;
  }

  [[nodiscard]] matrix<double> expected(form f) const {
    const dnalm::reference_backend b;
    const matrix<double> in = x();
    const matrix<double> w = weights();
    const matrix<double> shift = bias();
    const matrix<double> added = residual(f);
    matrix<double> y(rows, columns(f));
    const auto e = epilogue<dnalm::linear_epilogue<double>>(f, shift.view().row(0), added.view());
    if (f == form::gated) {
      const auto packed = b.pack_gated(w.view());
      dnalm::buffer<double> scratch(b.linear_scratch(packed));
      b.linear_gated(in.view(), packed, e, scratch.view(), y.view());
    } else {
      b.linear(in.view(), b.pack(w.view()), e, {}, y.view());
    }
    return y;
  }

  /// Rows [first, first + count), in memory `shift` numbers off an aligned address.
  template <class X, class Y>
  [[nodiscard]] guarded<Y> found(const cuda_bf16_backend& b, form f, index_t first, index_t count,
                                 index_t shift) const {
    guarded<X> in(rows_of(x(), first, count), shift);
    guarded<float> w(weights().view());
    guarded<float> offset(bias().view(), shift);
    guarded<float> added(rows_of(residual(f), first, count), shift);
    guarded<Y> y(count, columns(f), shift);
    const auto v = w.view();
    const dnalm::matrix_view<const float> host{v.data, v.rows, v.columns, v.stride};
    const auto e = epilogue<dnalm::device_epilogue>(f, offset.row(0), added.view());
    if (f != form::gated) {
      b.linear(in.view(), b.pack(host), e, {}, y.view());
    } else if constexpr (std::is_same_v<X, float> || std::is_same_v<Y, bfloat16>) {
      b.linear_gated(in.view(), b.pack_gated(host), e, {}, y.view());
    }
    CHECK(in.frame_is_whole());
    CHECK(y.frame_is_whole());
    return y;
  }
};

/// Roundings of a result in units of max(1, |y|); all sums are of exact numbers in float (1e-5).
///
/// bfloat16 rounds a number by 2^-8 of itself at most. y is rounded once; with a residual all before is
/// float. A bias (below 4) is rounded too, or the sum before it, which is below |y| + 4: 1 + 5. A function
/// comes after z is rounded, its slope is below 1.13 and |z| < 1.2 |y| where z > 1: 1.36 + 1. With a bias, z
/// is that without it, of |y| + 4: 1.36 x 5 + 1. Both factors of a gate are rounded, below 25 each, and of
/// the error of one the other is a factor: 25 (1.13 + 1) + 1 where y is small, 2.36 + 1 elsewhere, and the
/// bias again.
template <class Y>
double bound_of_form(form f) {
  if (sizeof(Y) == sizeof(float)) return 1e-5;
  const auto roundings = [&] {
    switch (f) {
      case form::with_bias: return 6;
      case form::activated: return 3;
      case form::shifted: return 8;
      case form::gated: return 2 * 55;
      default: return 1;
    }
  };
  return roundings() * 0x1p-8 + 1e-5;
}

template <class X, class Y>
void check_products(const cuda_bf16_backend& b, const product& p) {
  for (const form f : forms) {
    INFO("form " << static_cast<int>(f) << ", " << p.inputs << " inputs, " << p.outputs << " outputs");
    CHECK(largest_gap(p.expected(f), p.found<X, Y>(b, f, 0, p.rows, 0)) <= bound_of_form<Y>(f));
  }
}

/// Every row alone, elsewhere and in blocks has the bits it has with the others.
template <class X, class Y>
void check_rows(const product& p) {
  const cuda_bf16_backend whole;
  const cuda_bf16_backend blocks({.precision = cuda_precision::bf16, .block_rows = 4});
  for (const form f : forms) {
    INFO("form " << static_cast<int>(f) << ", " << p.inputs << " inputs, " << p.outputs << " outputs");
    const auto together = p.found<X, Y>(whole, f, 0, p.rows, 0);
    const auto in_blocks = p.found<X, Y>(blocks, f, 0, p.rows, 1);
    for (index_t r = 0; r < p.rows; ++r) {
      CHECK(in_blocks.same_row(r, together, r));
      for (const index_t shift : {0, 1, 4, 8}) {
        CHECK(p.found<X, Y>(whole, f, r, 1, shift).same_row(0, together, r));
      }
    }
  }
}

const std::vector<product> shapes{{24, 16}, {5, 6}, {16, 20}, {20, 8}};

}  // namespace

TEST_CASE("cuda products read and write rows of bfloat16", "[cuda]") {
  const cuda_bf16_backend b;
  for (const product& p : shapes) {
    check_products<float, bfloat16>(b, p);
    check_products<bfloat16, bfloat16>(b, p);
    for (const form f : {form::plain, form::with_bias, form::with_residual, form::shifted, form::all}) {
      const double gap = largest_gap(p.expected(f), p.found<bfloat16, float>(b, f, 0, p.rows, 0));
      CHECK(gap <= bound_of_form<float>(f));
    }
  }
}

TEST_CASE("a row of bfloat16 gives the bits of the same numbers in float", "[cuda]") {
  const cuda_bf16_backend b;
  for (const product& p : shapes) {
    for (const form f : forms) {
      INFO("form " << static_cast<int>(f));
      const auto of_floats = p.found<float, bfloat16>(b, f, 0, p.rows, 0);
      const auto of_halves = p.found<bfloat16, bfloat16>(b, f, 0, p.rows, 0);
      for (index_t r = 0; r < p.rows; ++r) CHECK(of_halves.same_row(r, of_floats, r));
      if (f == form::gated) continue;
      const auto floats = p.found<float, float>(b, f, 0, p.rows, 0);
      const auto halves = p.found<bfloat16, float>(b, f, 0, p.rows, 0);
      for (index_t r = 0; r < p.rows; ++r) CHECK(halves.same_row(r, floats, r));
    }
  }
}

TEST_CASE("a row of bfloat16 of a cuda product has the same bits at any address, in any batch", "[cuda]") {
  for (const product& p : shapes) {
    check_rows<float, bfloat16>(p);
    check_rows<bfloat16, bfloat16>(p);
  }
}

TEST_CASE("cuBLASLt makes bfloat16 itself where it can", "[cuda]") {
  const cuda_bf16_backend b;
  const auto half_outputs = [&](const product& p, form f) {
    const behaviour counted({});
    static_cast<void>(p.found<bfloat16, bfloat16>(b, f, 0, p.rows, 0));
    return matmul_settings().half_outputs;
  };
  for (const form f : {form::plain, form::with_bias, form::activated, form::shifted, form::gated}) {
    CHECK(half_outputs({24, 16}, f) == 1);
  }
  CHECK(half_outputs({24, 16}, form::with_residual) == 0);  // that is float, and added before any rounding
  CHECK(half_outputs({16, 20}, form::plain) == 0);          // its rows would not be aligned
  CHECK(half_outputs({20, 8}, form::plain) == 1);           // zeros up to 24 inputs stand beside x
}

TEST_CASE("cuda products of bfloat16 rows when cuBLASLt can do less", "[cuda]") {
  const product p;
  {
    const cuda_bf16_backend b({.precision = cuda_precision::bf16, .block_rows = 8});
    for (const form f : forms) {
      INFO("form " << static_cast<int>(f));
      const auto together = p.found<bfloat16, bfloat16>(b, f, 0, p.rows, 0);
      const behaviour strict({.takes_any_rows = false});
      const auto padded = p.found<bfloat16, bfloat16>(b, f, 0, p.rows, 0);
      const auto shifted = p.found<bfloat16, bfloat16>(b, f, 0, p.rows, 3);
      for (index_t r = 0; r < p.rows; ++r) {
        CHECK(padded.same_row(r, together, r));
        CHECK(shifted.same_row(r, together, r));
      }
    }
  }
  for (const matmul_behaviour& less : {matmul_behaviour{.knows_bias = false}, {.knows_half = false}}) {
    const behaviour now(less);
    const cuda_bf16_backend b;
    check_products<float, bfloat16>(b, p);
    check_products<bfloat16, bfloat16>(b, p);
  }
}

TEST_CASE("rows of bfloat16 need weights in bfloat16", "[cuda]") {
  using dnalm_test::error_id_of;
  CHECK(error_id_of([] { static_cast<void>(cuda_bf16_backend({.precision = cuda_precision::f16})); }) ==
        "dnalm.usage.651");
  const dnalm::cuda_backend floats;
  CHECK(error_id_of([&] { static_cast<void>(cuda_bf16_backend{floats}); }) == "dnalm.usage.651");
  const float one = 1.0F;
  const auto w = floats.pack({&one, 1, 1, 1});
  const cuda_bf16_backend b;
  bfloat16 x{0};
  float y = 0.0F;
  const auto multiply = [&] { b.linear({&x, 1, 1, 1}, w, {}, {}, dnalm::device_matrix<float>{&y, 1, 1, 1}); };
  CHECK(error_id_of(multiply) == "dnalm.usage.650");
}
