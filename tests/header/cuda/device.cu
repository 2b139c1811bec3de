// SPDX-License-Identifier: Apache-2.0
// Every word of device.cuh in one kernel; and, run on a machine with or without a GPU, how failures are
// reported.
#include <cstdio>

#include <dnalm/cuda/detail/device.cuh>

using namespace dnalm::detail::gpu;

template <class T>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(128, 2) words_kernel(const T* x, T* y) {
  T* shared = shared_memory<T>();
  copy_async(shared + 4 * lane(), x + 4 * lane());
  copy_async(shared + 4 * lane() + 128, x + 4 * lane(), 8);
  copy_commit();
  copy_wait<0>();
  sync_block();
  std::uint32_t a[4];
  std::uint32_t b[4];
  load_tiles(shared + 4 * lane(), a);
  load_tiles_transposed(shared + 4 * lane(), b);
  const std::uint32_t b_part[2] = {b[0], pack_bf16(x[0], x[1])};
  T d[4] = {};
  mma_bf16(d, a, b_part);
  sync_warp();
  const T sum = block_sum(d[0], shared) + block_max(d[1], shared) + shuffle(d[2], warp());
  y[block_index().x * grid_blocks().y + thread_index()] = fast_exp2(sum);
}

/// The number of the error that a call ends with.
template <class Call>
int number_of_error(const Call& call) {
  try {
    call();
  } catch (const dnalm::error& e) {
    std::printf("%s\n", e.what());
    return e.number();
  }
  return 0;
}

int main() {
  const dnalm::cuda_stream stream;
  const float* x = nullptr;
  float* y = nullptr;
  const int refused = number_of_error([] { check_runtime(cudaErrorInvalidValue, "a call that fails"); });
  const int too_large =
      number_of_error([&] { launch(words_kernel<float>, {.y = 65536}, 128, 2048, stream, x, y); });
  // No GPU has a gigabyte of shared memory; where there is none, or no driver, that is what CUDA reports.
  const int too_much = number_of_error([&] { launch(words_kernel<float>, {}, 128, 1 << 30, stream, x, y); });
  const bool told = too_much == 600 || too_much == 603 || too_much == 604;
  return refused == 600 && too_large == 601 && told ? 0 : 1;
}
