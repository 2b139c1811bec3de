// SPDX-License-Identifier: Apache-2.0
// An ordinary source that uses a GPU; linked with the one that includes dnalm/cuda.cuh. Where there is a GPU,
// it multiplies a matrix and takes a norm and attention of the rows; where there is none, that is its error.
#include <cmath>
#include <iostream>
#include <vector>

#include <dnalm/cuda/cuda_backend.hpp>

namespace {

/// Row r of y = x W^T with x[r, k] = r + k, W the identity: norm of it, attention of one token.
int run(const dnalm::cuda_backend& gpu) {
  std::cout << dnalm::describe(gpu.device()) << '\n';
  constexpr dnalm::index_t rows = 5;
  constexpr dnalm::index_t width = 8;
  std::vector<float> x;
  std::vector<float> identity(64, 0.0F);
  for (dnalm::index_t i = 0; i < rows * width; ++i) x.push_back(static_cast<float>(i / width + i % width));
  for (std::size_t i = 0; i < 8; ++i) identity[9 * i] = 1.0F;
  const auto on_gpu = gpu.upload(x, rows, width);
  auto y = gpu.upload(x, rows, width);
  const auto w = gpu.pack({identity.data(), width, width, width});
  gpu.linear(on_gpu.view(), w, {}, {}, y.view());
  dnalm::ragged_offsets offsets;
  for (dnalm::index_t r = 0; r < rows; ++r) offsets.append(1);
  auto z = gpu.upload(x, rows, width);
  gpu.attention(y.view(), y.view(), y.view(), offsets, {.heads = 2}, {}, z.view());
  std::vector<float> found(x.size());
  gpu.download(z.view(), {found.data(), rows, width, width});
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!(std::abs(found[i] - x[i]) < 1e-5F)) return 1;
  }
  return 0;
}

}  // namespace

int main() {
  try {
    return run(dnalm::cuda_backend());
  } catch (const dnalm::error& e) {
    std::cout << e.what() << '\n';
    return dnalm::exit_code(e.kind());
  }
}
