// SPDX-License-Identifier: Apache-2.0
// Many short calls on the same threads: the parts of each call run on all of them.
#include <iostream>
#include <vector>

#include <dnalm/core/thread_team.hpp>

int main() {
  dnalm::thread_team team(2);
  std::vector<dnalm::index_t> powers(5, 1);
  for (int call = 0; call < 3; ++call) {
    team.run(5, [&](dnalm::index_t part, int) { powers[static_cast<std::size_t>(part)] *= part; });
  }
  for (const auto power : powers) std::cout << power << " ";
  std::cout << "on " << team.members() << " threads\n";
}
