// SPDX-License-Identifier: Apache-2.0
// A progress line for long work, what it says, and durations for people.
#include <iostream>

#include <dnalm/core/progress.hpp>

int main() {
  dnalm::progress watcher("embedding", 1000);  // shows itself on a terminal only
  for (int batch = 0; batch < 4; ++batch) watcher.advance(100);
  watcher.finish();
  std::cout << watcher.done() << " done\n";
  std::cout << dnalm::progress_text("embedding", 400, 1000, 3.2) << "\n";
  std::cout << dnalm::duration_text(7504) << "\n";
}
