// SPDX-License-Identifier: Apache-2.0
// What the adjoint of a block keeps of its forward pass, in numbers per token.
#include <iostream>

#include <dnalm/nn/hyena_block.hpp>
#include <dnalm/reference/reference_backend.hpp>

int main() {
  dnalm::matrix<double> memory(1, 3 * 4 + 4 + 4 + 16);  // D = 4, F = 16
  const auto all = memory.view();
  const dnalm::hyena_record<dnalm::reference_backend> record{
      {all.column_block(0, 12), all.column_block(12, 4)}, all.column_block(16, 4), all.column_block(20, 16)};
  std::cout << record.mixer.convolved.columns + record.mixer.filtered.columns + record.middle.columns +
                   record.inner.columns
            << "\n";
}
