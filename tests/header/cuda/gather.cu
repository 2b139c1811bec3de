// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header, for all types it knows: what nvcc has to compile.
#include <dnalm/cuda/detail/gather.cuh>

template <class T>
void instances() {
  (void)&dnalm::cuda_gather_rows<T>;
  (void)&dnalm::cuda_gather_rows_vjp<T>;
  (void)&dnalm::cuda_move_rows<T>;
}

int main() {
  instances<float>();
  instances<dnalm::bfloat16>();
  instances<double>();
}
