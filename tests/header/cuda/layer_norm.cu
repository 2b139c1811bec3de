// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header, for both storage types and from one to the other: what nvcc has to compile.
#include <dnalm/cuda/detail/layer_norm.cuh>

template <class T>
void instances() {
  (void)&dnalm::cuda_layer_norm<T>;
  (void)&dnalm::cuda_layer_norm_vjp<T>;
}

int main() {
  instances<float>();
  instances<dnalm::bfloat16>();
  (void)&dnalm::cuda_layer_norm<dnalm::bfloat16, float>;
  (void)&dnalm::cuda_layer_norm_both<dnalm::bfloat16>;
}
