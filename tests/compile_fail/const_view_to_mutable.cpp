// SPDX-License-Identifier: Apache-2.0
// A read-only matrix does not pass where a kernel writes.
// expect: could not convert|no viable conversion|no known conversion
#include <dnalm/tensor/buffer.hpp>

void clear(dnalm::matrix_view<float> m) {
  m(0, 0) = 0;
}

int main() {
  dnalm::matrix<float> owned(1, 1);
#ifdef MUST_NOT_COMPILE
  const dnalm::matrix<float>& fixed = owned;
  clear(fixed.view());
#else
  clear(owned.view());
#endif
  return 0;
}
