// SPDX-License-Identifier: Apache-2.0
// cpu_activate: the formula, in place, nothing beyond its columns, and the bits of a product's own function.
#include <cmath>
#include <cstring>
#include <limits>

#include <dnalm/core/philox.hpp>
#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <support/catch.hpp>

namespace {

using dnalm::activation;
using dnalm::index_t;
using dnalm::matrix;

constexpr activation functions[] = {activation::none, activation::gelu_erf, activation::gelu_tanh,
                                    activation::silu};

matrix<float> normal_matrix(index_t rows, index_t columns, std::uint64_t seed) {
  dnalm::philox random(seed, dnalm::hash_name("cpu activate"));
  matrix<float> x(rows, columns);
  for (index_t i = 0; i < rows * columns; ++i) x.data()[i] = static_cast<float>(3.0 * random.normal());
  return x;
}

template <class Check>
void for_each_set(const Check& check) {
  for (const auto set :
       {dnalm::isa::portable, dnalm::isa::avx2, dnalm::isa::avx512, dnalm::isa::avx512_bf16}) {
    if (dnalm::supports(set)) check(set);
  }
}

}  // namespace

TEST_CASE("activate: the function of every element, in place too, and nothing beside the block", "[cpu]") {
  for_each_set([](dnalm::isa set) {
    const dnalm::cpu_backend cpu(set);
    for (const auto function : functions) {
      for (const index_t columns : {1, 15, 16, 17, 67}) {
        INFO(dnalm::to_string(set) << " " << dnalm::to_string(function) << " " << columns);
        const auto x = normal_matrix(3, columns + 2, 1);
        matrix<float> y(3, columns + 2);
        std::fill_n(y.data(), 3 * (columns + 2), 12345.0F);
        cpu.activate(x.view().column_block(1, columns), function, y.view().column_block(1, columns));
        matrix<double> wide(3, columns);
        for (index_t i = 0; i < 3 * columns; ++i)
          wide.data()[i] = static_cast<double>(x(i / columns, i % columns + 1));
        dnalm::reference_backend().activate(wide.view(), function, wide.view());
        for (index_t r = 0; r < 3; ++r) {
          CHECK(y(r, 0) == 12345.0F);
          CHECK(y(r, columns + 1) == 12345.0F);
          for (index_t c = 0; c < columns; ++c) {  // the bound of cpu_kernels_test
            const double expected = wide(r, c);
            CHECK(std::abs(static_cast<double>(y(r, c + 1)) - expected) <
                  3e-7 * std::max(1.0, std::abs(expected)));
          }
        }
        auto in_place = normal_matrix(3, columns + 2, 1);
        const auto block = in_place.view().column_block(1, columns);
        cpu.activate(block, function, block);
        for (index_t r = 0; r < 3; ++r)
          CHECK(std::memcmp(block.row_data(r), y.data() + r * y.columns() + 1,
                            static_cast<std::size_t>(columns) * sizeof(float)) == 0);
      }
    }
  });
}

TEST_CASE("activate after a product, and gated, have the bits of the product's own function", "[cpu]") {
  for_each_set([](dnalm::isa set) {
    for (const auto format :
         {dnalm::weight_format::f32, dnalm::weight_format::bf16, dnalm::weight_format::int8}) {
      const dnalm::cpu_backend cpu(set, format);
      const auto x = normal_matrix(14, 37, 2);
      const auto w = normal_matrix(134, 37, 3);
      const auto bias = normal_matrix(1, 134, 4);
      const auto plain = cpu.pack(w.view());
      const auto halves = cpu.pack_gated(w.view());
      dnalm::buffer<float> scratch(cpu.linear_scratch(plain));
      for (const auto function : functions) {
        for (const bool biased : {false, true}) {
          INFO(dnalm::to_string(set) << " " << dnalm::to_string(format) << " " << dnalm::to_string(function)
                                     << " " << biased);
          dnalm::linear_epilogue<float> epilogue;
          if (biased) epilogue.bias = bias.view().row(0);
          matrix<float> z(14, 134), y(14, 134), fused(14, 134), joined(14, 67), gated(14, 67);
          cpu.linear(x.view(), plain, epilogue, scratch.view(), z.view());
          cpu.activate(z.view(), function, y.view());
          cpu.linear(x.view(), halves, epilogue, scratch.view(), z.view());
          cpu.gated(z.view(), function, gated.view());
          epilogue.function = function;
          cpu.linear(x.view(), plain, epilogue, scratch.view(), fused.view());
          cpu.linear_gated(x.view(), halves, epilogue, scratch.view(), joined.view());
          CHECK(std::memcmp(y.data(), fused.data(), 14 * 134 * sizeof(float)) == 0);
          CHECK(std::memcmp(gated.data(), joined.data(), 14 * 67 * sizeof(float)) == 0);
        }
      }
    }
  });
}
