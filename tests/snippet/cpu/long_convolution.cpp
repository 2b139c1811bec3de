// SPDX-License-Identifier: Apache-2.0
// A filter as long as the sequence, in place: sums of 1,000 rows.
#include <iostream>

#include <dnalm/cpu/long_convolution.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  dnalm::ragged_offsets offsets;
  offsets.append(1000);
  dnalm::matrix<double> taps(dnalm::cpu_filter_taps(1000), 1);
  for (dnalm::index_t i = 0; i < taps.rows(); ++i) taps(i, 0) = 1;
  const dnalm::causal_filter filter = dnalm::make_causal_filter(taps.view());
  const dnalm::causal_filter* filters[] = {&filter};
  dnalm::matrix<float> v(1000, 1);
  for (dnalm::index_t i = 0; i < 1000; ++i) v(i, 0) = 1;
  dnalm::buffer<float> d(1);
  dnalm::buffer<float> scratch(dnalm::cpu_long_convolution_scratch(1000));
  dnalm::cpu_long_convolution(dnalm::choose_isa(), v.view(), filters, 0, d.view(), offsets, scratch.view(),
                              v.view());
  std::cout << static_cast<int>(v(0, 0) + 0.5F) << " " << static_cast<int>(v(499, 0) + 0.5F) << " "
            << static_cast<int>(v(999, 0) + 0.5F) << "\n";
}
