// SPDX-License-Identifier: Apache-2.0
// Which tokens carry the log odds of ATTGTC against CCCCCC at a masked place: word row times gradient.
#include <cmath>
#include <iomanip>
#include <iostream>
#include <string>

#include <dnalm/models/gradient_request.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/tensor/buffer.hpp>

int main(int, char** argv) {
  const auto model = dnalm::load_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2");
  auto tokens = model.tokenize("ATGGCTAAATCCCAAGGTATTGTCGGTTACCACGGT");
  const auto asked = model.tokenize("ATTGTCCCCCCC").ids;  // CLS and the two 6-mers
  const dnalm::index_t masked = 4;
  tokens.ids[4] = model.describe().mask_id();
  dnalm::ragged_offsets batch;
  batch.append(static_cast<dnalm::index_t>(tokens.ids.size()));

  dnalm::gradient_request request;
  double log_odds = 0;
  request.logits = [&](dnalm::matrix_view<const float> logits, dnalm::matrix_view<float> gradient) {
    log_odds = logits(masked, asked[1]) - logits(masked, asked[2]);
    gradient(masked, asked[1]) = 1;  // of the log odds by the logits; the rest stays 0
    gradient(masked, asked[2]) = -1;
  };
  dnalm::matrix<float> rows(batch.rows(), model.describe().width());
  model.word_rows(tokens.ids, rows.view());
  const auto print = [&](const dnalm::input_gradient& gradient) {
    std::cout << std::fixed << std::setprecision(2) << "log odds " << log_odds << "\n";
    for (dnalm::index_t r = 0; r < batch.rows(); ++r) {
      double sum = 0;
      for (dnalm::index_t c = 0; c < rows.columns(); ++c) sum += gradient.words(r, c) * rows(r, c);
      std::cout << std::setw(6) << sum << (r + 1 == batch.rows() ? "\n" : " ");
    }
  };
  dnalm::forward_workspace workspace;
  model.input_gradients({tokens.ids, batch}, request, print, workspace);
}
