// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header, for both storage types: what nvcc has to compile.
#include <dnalm/cuda/detail/gated.cuh>

template <class T>
void instances() {
  (void)&dnalm::cuda_gated<T>;
  (void)&dnalm::cuda_gated_vjp<T>;
  (void)&dnalm::cuda_activate<T>;
  (void)&dnalm::cuda_activation_vjp<T>;
}

int main() {
  instances<float>();
  instances<dnalm::bfloat16>();
}
