// SPDX-License-Identifier: Apache-2.0
// Attention rolled out over the layers of an encoder: each row is a distribution over the input's tokens.
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/attention_rollout.hpp>
#include <dnalm/models/load_model.hpp>

int main(int, char** argv) {
  const auto model = dnalm::load_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2");
  const std::vector<dnalm::io::sequence_record> sequences = {{.name = "a", .sequence = "TATAAATATAAATGCA"}};
  const auto all = dnalm::roll_out_attention(model, sequences);
  const dnalm::attention_rollout& found = all.front();
  double sum = 0;
  for (dnalm::index_t j = 0; j < found.tokens.columns(); ++j) sum += found.tokens(0, j);
  std::cout << found.tokens.rows() << " tokens, row 0 sums to " << std::round(1e6 * sum) / 1e6 << '\n';
  std::cout << found.bases.size() << " bases\n";
}
