// SPDX-License-Identifier: Apache-2.0
// What a user's object file has, under the names KERNELS and REGRESSION: a product with an attention, and a
// ridge regression.
#include <cstdint>
#include <string>
#include <vector>

#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/probe/ridge.hpp>

std::vector<double> KERNELS();
std::string REGRESSION();

std::vector<double> KERNELS() {
  const dnalm::cpu_backend backend;
  const volatile dnalm::index_t sizes[] = {30, 48};  // as unknown to the compiler as sizes of real data are
  const dnalm::index_t rows = sizes[0], width = sizes[1];
  dnalm::matrix<float> x(rows, width), w(3 * width, width), packed(rows, 3 * width), y(rows, width);
  for (dnalm::index_t i = 0; i < rows * width; ++i) x.data()[i] = static_cast<float>(i * 37 % 101 - 50) / 50;
  for (dnalm::index_t i = 0; i < 3 * width * width; ++i)
    w.data()[i] = static_cast<float>(i * 53 % 97 - 48) / 300;
  const auto weight = backend.pack(w.view());
  auto scratch = backend.allocate(backend.linear_scratch(weight));
  backend.linear(x.view(), weight, {.function = dnalm::activation::gelu_erf}, scratch.view(), packed.view());
  dnalm::ragged_offsets offsets;
  offsets.append(11);
  offsets.append(19);
  dnalm::attention_options<float> options;
  options.heads = 3;
  auto room = backend.allocate(backend.attention_scratch(19, 16));
  const auto block = [&](dnalm::index_t i) { return packed.view().column_block(i * width, width); };
  backend.attention(block(0), block(1), block(2), offsets, options, room.view(), y.view());
  return {y.data(), y.data() + rows * width};
}

/// "right", "wrong", or the id of an error.
std::string REGRESSION() {
  std::vector<double> x, y;
  std::uint32_t random = 1;
  for (int i = 0; i < 60; ++i) {
    for (int d = 0; d < 20; ++d) {
      random = random * 1664525U + 1013904223U;
      x.push_back(static_cast<double>(random >> 8) / 1e7);
    }
    y.push_back(3 * x[static_cast<std::size_t>(20 * i)] - 2 * x[static_cast<std::size_t>(20 * i + 7)] + 1);
  }
  try {
    const dnalm::ridge_path path(dnalm::as_matrix(x.data(), 60, 20), dnalm::as_matrix(y.data(), 60, 1));
    const auto model = path.solve(0.0);
    const auto near = [&](std::size_t d, double expected) {
      const double gap = model.weights[d] - expected;
      return gap < 1e-8 && gap > -1e-8;
    };
    return near(0, 3) && near(7, -2) && near(5, 0) ? "right" : "wrong";
  } catch (const dnalm::error& problem) {
    return problem.id();
  }
}
