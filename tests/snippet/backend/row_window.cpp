// SPDX-License-Identifier: Apache-2.0
// Rows of a pooling of four over eleven rows: as they fit, and with Keras' `same`.
#include <iostream>

#include <dnalm/backend/row_window.hpp>

int main() {
  dnalm::row_window window;
  window.size = window.stride = 4;
  std::cout << window.output_rows(11) << " rows";
  window.same = true;
  std::cout << ", same: " << window.output_rows(11) << " rows, " << window.missing_before(10)
            << " missing before ten\n";
}
