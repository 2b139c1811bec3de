// SPDX-License-Identifier: Apache-2.0
// A filter is made once for all lengths that it serves.
#include <iostream>

#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/nn/filter_cache.hpp>

int main() {
  dnalm::implicit_filter source;
  source.positions =
      std::make_shared<const dnalm::filter_positions>(dnalm::filter_positions{2, 1, {0.5, 1.0}, {0.0, 1.0}});
  source.sines.emplace_back().set(std::vector<double>{1.0}, 1, {});
  source.last.set(std::vector<double>{1.0}, 1, {});
  source.frequencies = source.deltas = {1.0};
  const dnalm::cpu_backend backend;
  dnalm::filter_cache<dnalm::cpu_backend> cache(1 << 20);
  const auto one = cache.find_or_make(backend, source, backend.filter_taps(10));
  const auto other = cache.find_or_make(backend, source, backend.filter_taps(100));
  std::cout << (one == other ? "the same" : "two") << ", " << cache.size() << " kept\n";
}
