// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header, for all types it knows: what nvcc has to compile.
#include <dnalm/cuda/detail/rms_norm.cuh>

template <class T>
void instances() {
  (void)&dnalm::cuda_rms_norm<T>;
  (void)&dnalm::cuda_rms_norm_vjp<T>;
}

int main() {
  instances<float>();
  instances<dnalm::bfloat16>();
}
