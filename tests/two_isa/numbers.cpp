// SPDX-License-Identifier: Apache-2.0
// A product, an attention and a ridge regression as a user's object file has them, under the name NUMBERS.
#include <vector>

#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/probe/ridge.hpp>

std::vector<double> NUMBERS();

std::vector<double> NUMBERS() {
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
  std::vector<double> numbers(y.data(), y.data() + rows * width);
  const std::vector<double> target(numbers.begin(), numbers.begin() + rows);
  const dnalm::ridge_path path(dnalm::as_matrix(numbers.data(), rows, width),
                               dnalm::as_matrix(target.data(), rows, 1));
  const std::vector<double> penalties = {0.5, 2};
  for (const auto& model : path.solve(penalties)) {
    numbers.insert(numbers.end(), model.weights.begin(), model.weights.end());
  }
  return numbers;
}
