// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header, for both storage types: what nvcc has to compile.
#include <dnalm/cuda/detail/pooling.cuh>

template <class T>
void instances() {
  (void)&dnalm::cuda_pool_rows<T>;
  (void)&dnalm::cuda_pool_rows_vjp<T>;
  (void)&dnalm::cuda_note_non_finite<T>;
}

int main() {
  instances<float>();
  instances<dnalm::bfloat16>();
}
