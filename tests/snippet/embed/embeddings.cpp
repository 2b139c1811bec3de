// SPDX-License-Identifier: Apache-2.0
// Embeddings as arrays: a sequence gives the same bits alone and in company.
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/embed/embeddings.hpp>
#include <dnalm/models/load_model.hpp>

int main(int, char** argv) {
  const auto model = dnalm::load_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2");
  const std::vector<std::string> both = {"ATTCCGATTCCGATTCCG", "ACGTGTACNTGCACGGANCGACTAGTCTGA"};
  const std::vector<std::string> second = {both[1]};
  const auto together = dnalm::embed(model, both, {.layers = dnalm::last_layer});
  const auto alone = dnalm::embed(model, second, {.layers = dnalm::last_layer});
  const auto& x = together.at(dnalm::pooling::mean, 4);
  const auto& y = alone.at(dnalm::pooling::mean, 4);
  std::cout << x.shape(0) << " x " << x.shape(1) << ", " << together.offsets.rows() << " tokens, "
            << std::boolalpha << std::equal(y.data(), y.data() + y.size(), x.data() + x.shape(1)) << "\n";
}
