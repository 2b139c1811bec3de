// SPDX-License-Identifier: Apache-2.0
// A drawing with shapes and text; what a user names stays text.
#include <iostream>

#include <dnalm/report/svg.hpp>

int main() {
  dnalm::report::svg_drawing drawing({.width = 120, .height = 40, .title = "GC content", .id = "gc"});
  drawing.begin_group("bar", "peak_1: 0.5");
  drawing.rectangle({10, 10}, 50, 8, "fill");
  drawing.text({64, 17}, "GC < 60 %", "label");
  drawing.end_group();
  std::cout << drawing.finish();
}
