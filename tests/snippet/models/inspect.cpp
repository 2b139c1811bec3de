// SPDX-License-Identifier: Apache-2.0
// What is in a model folder, from the headers of its files alone.
#include <iostream>
#include <string>

#include <dnalm/models/inspect.hpp>

int main(int, char** argv) {
  const auto found =
      dnalm::inspect_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2");
  std::cout << dnalm::summary_of(found.config).architecture << ", " << found.parameters
            << " parameters, loadable " << std::boolalpha << found.loadable() << "\n";
  std::cout << found.tokenizer << ", at most " << found.max_tokens << " tokens in a sequence\n";
  std::cout << found.tensors.size() << " tensors, " << found.missing.size() << " missing";
  for (const auto& tensor : found.tensors) {
    if (tensor.status != dnalm::tensor_status::used) {
      std::cout << "; " << tensor.info.name << " " << dnalm::io::shape_text(tensor.info.shape) << " is "
                << dnalm::to_string(tensor.status);
    }
  }
  std::cout << "\n";
}
