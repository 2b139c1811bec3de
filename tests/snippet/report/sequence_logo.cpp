// SPDX-License-Identifier: Apache-2.0
// A map of attributions as a logo; the drawing is one <svg> element.
#include <iostream>

#include <dnalm/report/sequence_logo.hpp>

int main() {
  dnalm::report::sequence_logo logo{
      .title = "saliency", .values = dnalm::one_hot_map("GATTACA"), .y_label = "logit"};
  logo.values(3, 2) = -0.5;  // hangs below the axis
  const std::string svg = dnalm::report::draw(logo);
  std::cout << svg.substr(0, 4) << ", " << (svg.find("<text") < svg.size() ? "with words" : "") << '\n';
}
