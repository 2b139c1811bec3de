// SPDX-License-Identifier: Apache-2.0
// The kernels between rows of float and bfloat16 on a real GPU: bit for bit what other kernels make of the
// same numbers.
#include <string>
#include <vector>

#include <dnalm/backend/rotary_table.hpp>
#include <dnalm/cuda/attention_packed.hpp>
#include <dnalm/cuda/cuda_bf16_backend.hpp>
#include <gpu/gpu_call.hpp>
#include <gpu/row_kernels.hpp>

using dnalm::bfloat16;
using dnalm::device_matrix;
using dnalm_test::gpu_copy;
using dnalm_test::gpu_place;
using dnalm_test::index_t;
using dnalm_test::stored_normals;

namespace {

gpu_place place_of(const dnalm::cuda_backend& gpu) {
  return {std::make_shared<dnalm::detail::device_memory>(gpu.device().number, 0), gpu.stream()};
}

/// Numbers that bfloat16 holds, in type T.
template <class T>
std::vector<T> numbers(index_t rows, index_t columns, std::uint64_t seed) {
  const dnalm::matrix<double> x = stored_normals(rows, columns, seed);
  std::vector<T> values;
  for (index_t i = 0; i < rows * columns; ++i) {
    values.push_back(dnalm::to_stored<T>(static_cast<float>(x.data()[i])));
  }
  return values;
}

/// Rows on the GPU.
template <class T>
struct rows_on_gpu {
  index_t rows;
  index_t columns;
  gpu_copy<T> memory;

  rows_on_gpu(const gpu_place& gpu, index_t row_count, index_t column_count, std::uint64_t seed)
      : rows(row_count), columns(column_count), memory(gpu, numbers<T>(row_count, column_count, seed)) {}
  [[nodiscard]] device_matrix<T> view() { return {memory.data(), rows, columns, columns}; }
};

template <class T>
bool same_numbers(const std::vector<T>& x, const std::vector<T>& y) {
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0;
}

/// Attention of packed rows, beside one kernel after the other.
void check_packed(const std::vector<index_t>& lengths, index_t heads, index_t width, index_t pairs) {
  INFO(lengths.front() << " tokens, heads of " << width << ", " << pairs << " pairs");
  const dnalm::cuda_bf16_backend gpu;
  const gpu_place place = place_of(gpu);
  dnalm::ragged_offsets offsets;
  index_t longest = 0;
  for (const index_t length : lengths) {
    offsets.append(length);
    longest = std::max(longest, length);
  }
  std::vector<float> frequencies;
  for (index_t j = 0; j < pairs; ++j) frequencies.push_back(dnalm::rotary_frequency(j, 2 * pairs));
  const auto table = dnalm::make_rotary_table<float>(frequencies, longest);
  const index_t columns = heads * width;
  rows_on_gpu<bfloat16> x(place, offsets.rows(), 3 * columns, 1);
  rows_on_gpu<bfloat16> z(place, offsets.rows(), 3 * columns, 1);
  rows_on_gpu<bfloat16> y(place, offsets.rows(), columns, 2);
  rows_on_gpu<bfloat16> expected(place, offsets.rows(), columns, 2);
  dnalm::attention_options<float> options;
  options.heads = heads;
  options.score_scale = 0.125F;
  gpu.attention_packed(x.view(), &table, offsets, options, {}, y.view());

  const auto count = static_cast<std::size_t>(longest * pairs);
  gpu_copy<float> cosine(place, {table.cosine.data(), table.cosine.data() + count});
  gpu_copy<float> sine(place, {table.sine.data(), table.sine.data() + count});
  gpu_copy<index_t> places(place, offsets.offsets);
  const dnalm::device_vector<const index_t> begins{places.data(), offsets.sequences() + 1};
  const auto third = [&](index_t i) { return z.view().column_block(i * columns, columns); };
  for (const index_t i : {0, 1}) {
    dnalm::cuda_rotary<bfloat16>(gpu.stream(),
                                 {{cosine.data(), longest * pairs}, {sine.data(), longest * pairs}, pairs},
                                 begins, heads, third(i));
  }
  dnalm::cuda_attention<bfloat16>(gpu.stream(), third(0), third(1), third(2), {begins, longest},
                                  {.heads = heads, .score_scale = 0.125F}, expected.view());
  gpu.synchronize();
  CHECK(same_numbers(y.memory.now(), expected.memory.now()));
}

/// Products of the same numbers in float and in bfloat16.
void check_products(index_t inputs, index_t outputs, dnalm::activation function, bool with_bias) {
  INFO(inputs << " inputs, " << outputs << " outputs, " << dnalm::to_string(function) << ", bias "
              << with_bias);
  const dnalm::cuda_bf16_backend gpu;
  const gpu_place place = place_of(gpu);
  constexpr index_t rows = 77;
  rows_on_gpu<float> floats(place, rows, inputs, 1);
  rows_on_gpu<bfloat16> halves(place, rows, inputs, 1);
  rows_on_gpu<bfloat16> y(place, rows, outputs, 2);
  rows_on_gpu<bfloat16> expected(place, rows, outputs, 3);
  rows_on_gpu<float> bias(place, 1, outputs, 4);
  const std::vector<float> weights = numbers<float>(outputs, inputs, 5);
  const auto w = gpu.pack({weights.data(), outputs, inputs, inputs});
  dnalm::device_epilogue e;
  e.function = function;
  if (with_bias) e.bias = bias.view().row(0);
  gpu.linear(halves.view(), w, e, {}, y.view());
  gpu.linear(floats.view(), w, e, {}, expected.view());
  gpu.synchronize();
  CHECK(same_numbers(y.memory.now(), expected.memory.now()));
  // Beside the product that makes float: a number is rounded by 2^-8, before a bias of up to 4.5 and a
  // function of slope 1.13 and after them (unit/cuda/bf16_products_test.cpp).
  rows_on_gpu<float> exact(place, rows, outputs, 6);
  gpu.linear(floats.view(), w, e, {}, exact.view());
  gpu.synchronize();
  const std::vector<float> z = exact.memory.now();
  const std::vector<bfloat16> found = y.memory.now();
  double worst = 0.0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double size = std::max(1.0, std::abs(static_cast<double>(z[i])));
    worst = std::max(worst, std::abs(static_cast<double>(dnalm::to_float(found[i]) - z[i])) / size);
  }
  CHECK(worst <= 10 * 0x1p-8);
}

}  // namespace

TEST_CASE("gpu: attention of packed rows has the bits of rotating first", "[gpu][bf16]") {
  check_packed({41, 1, 16, 33}, 2, 16, 8);
  check_packed({41, 1, 16, 33}, 3, 12, 5);
  check_packed({230, 256, 64}, 8, 64, 32);
  check_packed({600, 17, 64}, 4, 64, 32);
  check_packed({130, 7}, 2, 96, 48);
  check_packed({66, 30}, 1, 256, 128);
}

TEST_CASE("gpu: products of rows of bfloat16 have the bits of the same numbers in float", "[gpu][bf16]") {
  for (const bool with_bias : {false, true}) {
    for (const dnalm::activation function : {dnalm::activation::none, dnalm::activation::gelu_erf}) {
      check_products(512, 1536, function, with_bias);
      check_products(512, 516, function, with_bias);
      check_products(68, 24, function, with_bias);
    }
  }
}

TEST_CASE("gpu: every kernel between float and bfloat16, small", "[gpu][bf16][sanitize]") {
  check_packed({41, 3}, 2, 32, 16);
  check_packed({70, 20}, 1, 256, 128);
  check_products(64, 40, dnalm::activation::gelu_erf, true);
}
