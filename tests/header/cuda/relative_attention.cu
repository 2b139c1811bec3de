// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header: what nvcc has to compile.
#include <dnalm/cuda/detail/relative_attention.cuh>

int main() {
  (void)&dnalm::cuda_relative_attention;
  (void)&dnalm::cuda_relative_attention_vjp;
}
