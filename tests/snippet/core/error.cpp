// SPDX-License-Identifier: Apache-2.0
// Errors carry a kind, a stable id and the details; programs turn the kind into an exit code.
#include <iostream>

#include <dnalm/core/error.hpp>

int main() {
  try {
    throw dnalm::error(dnalm::error_kind::format, 203, "header is cut",
                       {.where = "model.safetensors", .expected = "100 bytes", .found = "7 bytes"});
  } catch (const dnalm::error& e) {
    std::cout << e.what() << "\n" << e.id() << " -> exit " << dnalm::exit_code(e.kind()) << "\n";
  }
}
