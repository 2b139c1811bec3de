// SPDX-License-Identifier: Apache-2.0
// Cost of naming the whole library and using none of it.
#include <dnalm/dnalm.hpp>

int main() {
  return 0;
}
