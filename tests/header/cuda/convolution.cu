// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header, for both storage types: what nvcc has to compile.
#include <dnalm/cuda/detail/convolution.cuh>

int main() {
  (void)&dnalm::cuda_gather_taps<float>;
  (void)&dnalm::cuda_gather_taps<dnalm::bfloat16>;
}
