// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header, for all types it knows: what nvcc has to compile.
#include <dnalm/cuda/detail/norm_pool.cuh>

int main() {
  (void)&dnalm::cuda_norm_pool<float>;
  (void)&dnalm::cuda_norm_pool<dnalm::bfloat16>;
}
