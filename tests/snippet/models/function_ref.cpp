// SPDX-License-Identifier: Apache-2.0
// A callback parameter without a copy or an allocation.
#include <iostream>

#include <dnalm/models/function_ref.hpp>

void for_each_window(int letters, int width, int step, dnalm::function_ref<void(int begin, int end)> visit) {
  for (int begin = 0; begin + width <= letters; begin += step) visit(begin, begin + width);
}

int main() {
  int windows = 0;
  for_each_window(1000, 230, 100, [&](int begin, int end) {
    if (windows++ == 0) std::cout << begin << " to " << end << "\n";
  });
  std::cout << windows << " windows\n";
}
