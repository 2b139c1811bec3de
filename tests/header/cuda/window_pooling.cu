// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header: what nvcc has to compile.
#include <dnalm/cuda/detail/window_pooling.cuh>

int main() {
  (void)&dnalm::cuda_max_pool_rows;
  (void)&dnalm::cuda_max_pool_rows_vjp;
  (void)&dnalm::cuda_average_pool_rows;
  (void)&dnalm::cuda_average_pool_rows_vjp;
  (void)&dnalm::cuda_sequence_max_vjp;
}
