// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header, for both storage types: what nvcc has to compile.
#include <dnalm/cuda/detail/attention_packed.cuh>

template <class T>
void instances() {
  (void)&dnalm::cuda_attention_packed<T>;
}

int main() {
  instances<float>();
  instances<dnalm::bfloat16>();
}
