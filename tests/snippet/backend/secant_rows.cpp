// SPDX-License-Identifier: Apache-2.0
// Of a product each factor gets the mean of the other: 2 x 1 against 3 x 5.
#include <iostream>

#include <dnalm/backend/secant_rows.hpp>

int main() {
  const double a[] = {2, 3};
  const double b[] = {1, 5};
  const double dy[] = {1, 1};
  double da[2] = {};
  double db[2] = {};
  const auto rows = [](auto* x) { return dnalm::as_matrix(x, 2, 1); };
  dnalm::secant_multiply_vjp(rows(a), rows(b), rows(dy), {.any = true}, rows(da), rows(db));
  std::cout << da[0] << " x " << a[0] - a[1] << " + " << db[0] << " x " << b[0] - b[1] << " = 2 - 15\n";
}
