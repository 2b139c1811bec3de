// SPDX-License-Identifier: Apache-2.0
// Moments of two sets of rows become those of both: what is merged are means and centred products.
#include <iostream>

#include <dnalm/probe/ridge_moments.hpp>

int main() {
  dnalm::ridge_moments first = dnalm::make_moments(1, 1);
  first.rows = 2;  // (x, y) = (1, 1), (3, 5)
  first.weight = 2;
  first.mean_x = {2};
  first.mean_y = {3};
  first.gram = {2};
  first.cross = {4};
  first.yy = {8};
  dnalm::ridge_moments one = dnalm::make_moments(1, 1);
  one.rows = 1;  // (5, 9)
  one.weight = 1;
  one.mean_x = {5};
  one.mean_y = {9};
  dnalm::merge_moments(first, one);
  std::cout << first.rows << " rows, mean " << first.mean_x[0] << ", slope " << first.cross[0] / first.gram[0]
            << "\n";
}
