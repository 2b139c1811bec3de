// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header, for all types it knows: what nvcc has to compile.
#include <dnalm/cuda/detail/random.cuh>

int main() {
  (void)&dnalm::cuda_fill_normal<float>;
  (void)&dnalm::cuda_fill_normal<double>;
}
