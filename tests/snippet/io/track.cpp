// SPDX-License-Identifier: Apache-2.0
// Windows that overlap become one track; the rule says which values their common bases get.
#include <iostream>
#include <vector>

#include <dnalm/io/track.hpp>

int main() {
  const std::vector<dnalm::io::track_window> windows = {{"chr1", 100, {1, 1, 1, 1}},
                                                        {"chr1", 102, {3, 3, 3, 3}}};
  for (const auto rule : {dnalm::io::overlap_rule::mean, dnalm::io::overlap_rule::midpoint}) {
    std::cout << to_string(rule) << ":\n";
    for (const auto& interval : dnalm::io::join_windows(windows, rule)) {
      std::cout << interval.chromosome << ' ' << interval.start << ' ' << interval.end << ' '
                << interval.value << '\n';
    }
  }
  const auto region = dnalm::io::region_of_name("chr1:101-104", 4);  // from 1, the end included
  std::cout << region->start << " to " << region->end << '\n';
}
