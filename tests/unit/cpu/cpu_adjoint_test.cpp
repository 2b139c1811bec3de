// SPDX-License-Identifier: Apache-2.0
// The adjoints of the float kernels, on every instruction set of this machine: against differences of the
// double forward, against the double adjoint within an argued bound, and bit for bit against themselves in
// another batch.
#include <unit/backend/kernel_adjoint_cases.hpp>

#include <dnalm/cpu/cpu_backend.hpp>
#include <support/instruction_sets.hpp>

using dnalm::activation;
using dnalm::index_t;
using dnalm::isa;
using dnalm_test::instruction_sets;
using dnalm_test::numbers;
using dnalm_test::overlap;

namespace {

/// Rows [first, first + rows) of width `width`.
numbers rows_of(const numbers& x, index_t width, index_t first, index_t rows) {
  return {x.begin() + first * width, x.begin() + (first + rows) * width};
}

/// The adjoint under test of a whole batch, or of the rows [first, first + rows) of it alone.
struct row_kernel {
  const char* name;
  index_t in;   ///< numbers per row of x
  index_t out;  ///< numbers per row of u
  std::function<dnalm_test::adjoint_case(const dnalm::cpu_backend&, index_t rows)> make;
};

std::vector<row_kernel> row_kernels() {
  return {
      {"linear", 70, 77,
       [](const auto& b, index_t rows) {
         return dnalm_test::linear_case(b, rows, 70, 77, false, overlap::none);
       }},
      {"activation", 45, 45,
       [](const auto& b, index_t rows) {
         return dnalm_test::activation_case(b, rows, 45, activation::gelu_erf, overlap::none);
       }},
      {"gated", 90, 45,
       [](const auto& b, index_t rows) {
         return dnalm_test::gated_case(b, rows, 45, activation::silu, overlap::none);
       }},
      {"layer_norm", 45, 45,
       [](const auto& b, index_t rows) {
         return dnalm_test::layer_norm_case(b, rows, 45, 1e-5, 1.0, 1.0, overlap::none);
       }},
      {"softmax", 45, 45,
       [](const auto& b, index_t rows) { return dnalm_test::softmax_case(b, rows, 45, overlap::none); }},
  };
}

}  // namespace

TEST_CASE("adjoints of the row kernels agree with differences and with the reference", "[cpu][adjoint]") {
  for (const isa set : instruction_sets()) {
    INFO(dnalm::to_string(set));
    dnalm_test::check_row_kernels(dnalm::cpu_backend(set));
  }
}

TEST_CASE("the adjoint of rotary agrees with differences and with the reference", "[cpu][adjoint]") {
  for (const isa set : instruction_sets()) {
    INFO(dnalm::to_string(set));
    dnalm_test::check_rotary_kernel(dnalm::cpu_backend(set));
  }
}

TEST_CASE("the adjoint of attention agrees with differences and with the reference", "[cpu][adjoint]") {
  for (const isa set : instruction_sets()) {
    INFO(dnalm::to_string(set));
    dnalm_test::check_attention_kernel(dnalm::cpu_backend(set));
  }
}

TEST_CASE("a row's gradient has the same bits whatever rows stand around it", "[cpu][adjoint]") {
  for (const isa set : instruction_sets()) {
    const dnalm::cpu_backend cpu(set);
    for (const row_kernel& kernel : row_kernels()) {
      const index_t rows = 40;
      const auto whole = kernel.make(cpu, rows);
      const numbers u = dnalm_test::normal_numbers(rows * kernel.out, 5);
      const numbers g = whole.problem.vjp(whole.problem.x, u);
      for (const index_t count : {1, 2, 5, 12, 13, 27}) {
        const auto part = kernel.make(cpu, count);
        for (index_t first = 0; first + count <= rows; first += 7) {
          INFO(kernel.name << " " << dnalm::to_string(set) << " rows " << first << " + " << count);
          const numbers alone = part.problem.vjp(rows_of(whole.problem.x, kernel.in, first, count),
                                                 rows_of(u, kernel.out, first, count));
          CHECK(dnalm_test::same_numbers(alone, rows_of(g, kernel.in, first, count)));
        }
      }
    }
  }
}

TEST_CASE("a sequence's gradients have the same bits alone and in a batch", "[cpu][adjoint]") {
  const std::vector<float> slopes{0.5F, 0.0625F};
  const index_t width = 2 * 20;
  for (const isa set : instruction_sets()) {
    const dnalm::cpu_backend cpu(set);
    for (const index_t window : {0, 4, 19}) {
      dnalm_test::attention_shape shape{{1, 31, 2, 70, 12, 13}, 2, 20, 0.3F, slopes, window};
      const auto batch = dnalm_test::attention_case(cpu, shape);
      const auto offsets = dnalm_test::make_offsets(shape.lengths);
      const numbers u = dnalm_test::normal_numbers(offsets.rows() * width, 6);
      const numbers g = batch.problem.vjp(batch.problem.x, u);
      for (index_t s = 0; s < offsets.sequences(); ++s) {
        shape.lengths = {offsets.length(s)};
        const auto alone = dnalm_test::attention_case(cpu, shape);
        const numbers one =
            alone.problem.vjp(rows_of(batch.problem.x, 3 * width, offsets.begin(s), offsets.length(s)),
                              rows_of(u, width, offsets.begin(s), offsets.length(s)));
        INFO(dnalm::to_string(set) << " sequence " << s << " window " << window);
        CHECK(dnalm_test::same_numbers(one, rows_of(g, 3 * width, offsets.begin(s), offsets.length(s))));
      }
    }
  }
}

TEST_CASE("adjoints have the same bits with AVX2 and AVX-512", "[cpu][adjoint]") {
  if (!dnalm::supports(isa::avx512)) {
    WARN("skipped: this CPU has no AVX-512");
    return;
  }
  const dnalm::cpu_backend a(isa::avx2);
  const dnalm::cpu_backend b(isa::avx512);
  const auto compare = [](const dnalm_test::adjoint_case& first, const dnalm_test::adjoint_case& second) {
    const auto size = static_cast<index_t>(first.problem.forward(first.problem.x).size());
    const numbers u = dnalm_test::normal_numbers(size, 7);
    CHECK(dnalm_test::same_numbers(first.problem.vjp(first.problem.x, u),
                                   second.problem.vjp(first.problem.x, u)));
  };
  for (const row_kernel& kernel : row_kernels()) {
    INFO(kernel.name);
    compare(kernel.make(a, 29), kernel.make(b, 29));
  }
  for (const activation function : dnalm_test::all_activations) {
    compare(dnalm_test::activation_case(a, 50, 50, function, overlap::none),
            dnalm_test::activation_case(b, 50, 50, function, overlap::none));
  }
  compare(dnalm_test::rotary_case(a, {1, 31, 7}, 3, 33, 9), dnalm_test::rotary_case(b, {1, 31, 7}, 3, 33, 9));
  for (const index_t window : {0, 3, 17, 90}) {
    INFO("window " << window);
    const dnalm_test::attention_shape shape{{1, 31, 77, 12}, 3, 24, 0.3F, {0.5F, 0.25F, 0.125F}, window};
    compare(dnalm_test::attention_case(a, shape), dnalm_test::attention_case(b, shape));
  }
}

TEST_CASE("derivatives of the activations keep float accuracy over their whole range", "[cpu][adjoint]") {
  std::vector<float> x;
  for (float value = -100.0F; value < 100.0F; value += 0.00137F) x.push_back(value);
  for (float value = -14.0F; value < 14.0F; value += 0.000171F) x.push_back(value);
  for (const float value : {0.0F, -0.0F, 1e-30F, 1e-42F, 1e10F, 1e20F, 1e30F, 3e38F}) {
    x.push_back(value);
    x.push_back(-value);
  }
  const auto n = static_cast<index_t>(x.size());
  const dnalm::matrix_view<const float> in{x.data(), 1, n, n};
  const std::vector<float> ones(x.size(), 1.0F);
  for (const isa set : instruction_sets()) {
    for (const activation function : dnalm_test::all_activations) {
      dnalm::matrix<float> y(1, n);
      dnalm::cpu_backend(set).activation_vjp(in, function, {ones.data(), 1, n, n}, y.view());
      double worst = 0.0;
      float where = 0.0F;
      for (index_t i = 0; i < n; ++i) {
        const float at = x[static_cast<std::size_t>(i)];
        const double exact = dnalm::activation_derivative(function, static_cast<double>(at));
        const double gap = std::abs(static_cast<double>(y(0, i)) - exact);
        if (!(gap <= worst)) {
          worst = gap;
          where = at;
        }
      }
      INFO(dnalm::to_string(set) << " " << dnalm::to_string(function) << " worst " << worst << " at "
                                 << where);
      CHECK(worst <= dnalm_test::slope_error);
    }
  }
}

TEST_CASE("derivatives of the activations at NaN and infinity", "[cpu][adjoint]") {
  const float infinity = std::numeric_limits<float>::infinity();
  const float values[3] = {-infinity, infinity, std::numeric_limits<float>::quiet_NaN()};
  const std::vector<float> ones(17, 1.0F);
  for (const isa set : instruction_sets()) {
    for (const activation function : {activation::gelu_erf, activation::gelu_tanh, activation::silu}) {
      INFO(dnalm::to_string(set) << " " << dnalm::to_string(function));
      std::vector<float> z(17, 0.0F);
      for (int i = 0; i < 3; ++i)
        z[static_cast<std::size_t>(i)] = z[static_cast<std::size_t>(14 + i)] = values[i];
      dnalm::matrix<float> y(1, 17);
      dnalm::cpu_backend(set).activation_vjp({z.data(), 1, 17, 17}, function, {ones.data(), 1, 17, 17},
                                             y.view());
      for (const index_t first : {0, 14}) {
        CHECK(y(0, first) == 0.0F);
        CHECK(y(0, first + 1) == 1.0F);
        CHECK(std::isnan(y(0, first + 2)));
      }
      CHECK(y(0, 7) == Approx(0.5F));
    }
  }
}
