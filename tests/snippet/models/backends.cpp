// SPDX-License-Identifier: Apache-2.0
// The same encoder on the fast float backend and on the readable double one, with the same random weights.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/random_source.hpp>

template <class Encoder>
std::vector<double> last_hidden(const Encoder& network) {
  const std::vector<std::int32_t> ids = {3, 7, 21, 9};
  dnalm::ragged_offsets batch;
  batch.append(4);
  std::vector<double> numbers;
  typename Encoder::workspace workspace;
  const auto keep = [&](dnalm::index_t, const auto& x) {
    numbers.assign(x.data, x.data + x.rows * x.columns);
  };
  network.forward({ids, batch}, keep, nullptr, workspace);
  return numbers;
}

int main(int, char** argv) {
  const auto config = dnalm::read_encoder_config(std::string(argv[1]) + "/tests/golden/models/nt_v2_d8");
  const dnalm::random_source weights(1, config.initializer_range);
  const auto fast = last_hidden(dnalm::cpu_encoder({}, config, weights));
  const auto exact = last_hidden(dnalm::reference_encoder({}, config, weights));
  double largest = 0;
  for (std::size_t i = 0; i < fast.size(); ++i) largest = std::max(largest, std::abs(fast[i] - exact[i]));
  std::cout << fast.size() << " numbers, equal to single precision: " << std::boolalpha << (largest < 1e-4)
            << "\n";
}
