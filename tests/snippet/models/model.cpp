// SPDX-License-Identifier: Apache-2.0
// Tokens in, logits out: which token the model expects at a masked place.
#include <algorithm>
#include <iostream>
#include <string>

#include <dnalm/models/load_model.hpp>
#include <dnalm/models/model.hpp>

int main(int, char** argv) {
  const auto model = dnalm::load_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2");
  auto tokens = model.tokenize("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");  // a poly(A) stretch of 5 tokens
  tokens.ids[3] = model.describe().tokens->special().mask;
  dnalm::ragged_offsets batch;
  batch.append(tokens.size());
  dnalm::forward_workspace workspace;
  model.logits(
      {tokens.ids, batch},
      [&](dnalm::matrix_view<const float> logits) {
        const auto row = logits.row(3);
        const auto best = static_cast<int>(std::max_element(row.begin(), row.end()) - row.begin());
        std::cout << logits.rows << " x " << logits.columns
                  << ", most likely: " << model.describe().tokens->token(best) << "\n";
      },
      workspace);
}
