// SPDX-License-Identifier: Apache-2.0
// A view of device memory does not pass where host memory is read.
// expect: could not convert|no viable conversion|no known conversion
#include <dnalm/tensor/view.hpp>

float first(dnalm::vector_view<const float> view) {
  return view[0];
}

int main() {
  float x = 1;
  dnalm::vector_view<float, dnalm::memory_space::host> host{&x, 1};
  dnalm::vector_view<float, dnalm::memory_space::device> device{&x, 1};
#ifdef MUST_NOT_COMPILE
  return static_cast<int>(first(device));
#else
  (void)device;
  return static_cast<int>(first(host));
#endif
}
