// SPDX-License-Identifier: Apache-2.0
// Attention over a ragged batch: a token sees its own sequence only.
#include <iomanip>
#include <iostream>

#include <dnalm/cpu/attention.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  dnalm::ragged_offsets batch;
  batch.append(2);
  batch.append(1);
  const dnalm::matrix<float> q(3, 4);  // zeros: every token of a sequence is as interesting as any other
  const dnalm::matrix<float> k(3, 4);
  dnalm::matrix<float> v(3, 4);
  v(0, 0) = 1;
  v(1, 0) = 3;
  v(2, 0) = 10;
  dnalm::buffer<float> scratch(dnalm::cpu_attention_scratch(2, 4));
  dnalm::matrix<float> y(3, 4);
  dnalm::cpu_attention(dnalm::choose_isa(), dnalm::weight_format::f32, q.view(), k.view(), v.view(), batch,
                       {}, scratch.view(), y.view());
  std::cout << std::fixed << std::setprecision(3) << y(0, 0) << " " << y(1, 0) << " " << y(2, 0) << "\n";
}
