// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header: what nvcc has to compile.
#include <dnalm/cuda/detail/weighted_pooling.cuh>

int main() {
  (void)&dnalm::cuda_softmax_pool_rows;
  (void)&dnalm::cuda_softmax_pool_rows_vjp;
  (void)&dnalm::cuda_masked_mean;
  (void)&dnalm::cuda_masked_mean_vjp;
}
